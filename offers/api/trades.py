"""FlexOffers and FlexOrders: an AGR drafts, sends and revokes offers; a DSO answers and orders them."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from offers.domain import IllegalMove
from offers.models import CongestionPoint, FlexOffer, FlexOrder, FlexRequest, Role
from offers.services import trading

from . import bodies, described, examples
from .desk import Desk
from .errors import Refusal, said
from .filters import OfferFilters, OrderFilters
from .read import DRAFT_WORDS, OfferDetailJSON, OfferDraftJSON, OfferJSON, OrderDetailJSON, OrderJSON

AGR_ACTIONS = ("create", "update", "destroy", "check", "preview", "send", "schedule", "revoke")
DSO_ACTIONS = ("accept", "reject", "order")


class Offers(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = OfferJSON
    filterset_class = OfferFilters
    roles: ClassVar[dict[str, Role]] = dict.fromkeys(AGR_ACTIONS, Role.AGR) | dict.fromkeys(
        DSO_ACTIONS, Role.DSO
    )

    def get_serializer_class(self) -> type[Any]:
        return OfferJSON if self.action == "list" else OfferDetailJSON

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = FlexOffer.objects.of(self.participant).with_parts().select_related("revocation")
        rows = rows.defer("message__sealed", "revocation__sealed")
        return rows if self.action == "list" else rows.prefetch_related("events__user")

    def _said(self, pk: int, status: int = 200) -> Response:
        """The offer as it is now."""
        return Response(self.get_serializer(self.rows().get(pk=pk)).data, status=status)

    @described.listed(OfferJSON, "Offers", "An AGR sees its own; a DSO those that it got.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(OfferDetailJSON, "One offer", "With its options and its time line.")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @described.act(
        "Draft an offer",
        "On a request (`flex_request`), or without one (`congestion_point` and `period`). What it says is "
        "kept as it is, right or wrong; `check` and `send` tell what is wrong with it.",
        bodies.NewOffer,
        OfferDetailJSON,
        201,
        makes=True,
        examples={"On a request": examples.OFFER, "Unsolicited": examples.UNSOLICITED},
    )
    def create(self, request: Request) -> Response:
        target = bodies.read(bodies.Target, self.body, DRAFT_WORDS)
        asked, point, period = self._target(target)
        row = trading.draft_offer(
            self.participant,
            point,
            asked.counterparty if asked is not None else point.dso,
            period,
            bodies.only(self.body, DRAFT_WORDS),
            self.membership.user,
            timezone.now(),
            request=asked,
        )
        return self._said(row.pk, 201)

    def _target(self, target: dict[str, Any]) -> tuple[FlexRequest | None, CongestionPoint, Any]:
        if "flex_request" in target:
            mine = FlexRequest.objects.of(self.participant).select_related("congestion_point", "counterparty")
            asked = mine.filter(pk=target["flex_request"]).first()
            if asked is None:
                text = f"There is no request {target['flex_request']}."
                raise Refusal([{"field": "flex_request", "text": text}])
            return asked, asked.congestion_point, asked.period
        missing = [name for name in ("congestion_point", "period") if name not in target]
        if missing:
            text = "Give flex_request, or congestion_point and period for an unsolicited offer."
            raise Refusal([{"field": name, "text": text} for name in missing])
        return None, self._point(target["congestion_point"]), target["period"]

    def _point(self, entity_address: str) -> CongestionPoint:
        mine = CongestionPoint.objects.of(self.participant).select_related("dso")
        point = mine.filter(entity_address=entity_address).first()
        if point is None:
            text = f"There is no congestion point {entity_address} at which you are active."
            raise Refusal([{"field": "congestion_point", "text": text}])
        return point

    @described.act(
        "Change a draft",
        "The draft is replaced as a whole.",
        OfferDraftJSON,
        OfferDetailJSON,
        examples={"Two options": examples.OFFER_DRAFT},
    )
    def update(self, request: Request, pk: str) -> Response:
        bodies.read(bodies.Nothing, self.body, DRAFT_WORDS)
        draft = bodies.only(self.body, DRAFT_WORDS)
        row = trading.save_offer_draft(self.participant, int(pk), draft, self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act("Throw a draft away", "An offer that was sent stays.", None, None, 204)
    def destroy(self, request: Request, pk: str) -> Response:
        trading.delete_offer_draft(self.participant, int(pk))
        return Response(status=204)

    @described.act("Check a draft", "All reasons why it could not be sent now.", None, described.Verdict)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        row = self._draft(pk)
        reasons = trading.check_offer(row, row.draft, timezone.now())
        return Response({"ok": not reasons, "reasons": said(reasons)})

    @described.act("Preview the XML", "As the message would go out now.", None, described.Preview)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        row = self._draft(pk)
        return Response({"xml": trading.preview_offer(row, row.draft, timezone.now())})

    def _draft(self, pk: str) -> FlexOffer:
        row: FlexOffer = self.rows().get(pk=pk)
        if row.state != "draft":
            raise IllegalMove(f"FlexOffer is {row.state}: it is no draft any more.")
        return row

    @described.act(
        "Send an offer", "Signed and queued for its DSO; 422 has all reasons.", None, OfferDetailJSON
    )
    @action(detail=True, methods=["post"])
    def send(self, request: Request, pk: str) -> Response:
        row = trading.send_offer(self.participant, int(pk), self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act(
        "Send an offer later",
        "By itself at that time, if it is right then; null takes it back.",
        bodies.SendAt,
        OfferDetailJSON,
        examples={"In the afternoon": {"at": "2026-03-02T14:00:00+01:00"}},
    )
    @action(detail=True, methods=["post"])
    def schedule(self, request: Request, pk: str) -> Response:
        at = bodies.read(bodies.SendAt, self.body)["at"]
        row = trading.schedule_offer(self.participant, int(pk), at, self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act(
        "Revoke an offer",
        "From this moment on an order for it is rejected. This cannot be undone.",
        None,
        OfferDetailJSON,
    )
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        row = trading.revoke(self.participant, int(pk), self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act("Accept an offer", "That waits for staff: it may then be ordered.", None, OfferDetailJSON)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        row = trading.accept_offer(self.participant, int(pk), self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act(
        "Reject an offer",
        "That waits for staff. The reason goes to the AGR.",
        bodies.Rejection,
        OfferDetailJSON,
        examples={"Too dear": {"reason": "The price is above what the contract allows."}},
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        text = bodies.read(bodies.Rejection, self.body)["reason"]
        row = trading.reject_offer(self.participant, int(pk), text, self.membership.user, timezone.now())
        return self._said(row.pk)

    @described.act(
        "Order one option",
        "At an activation factor from the option's least one to 1.00. An offer can be ordered once.",
        bodies.Ordered,
        OrderDetailJSON,
        201,
        examples={"At 60 %": {"option_reference": "A", "activation_factor": "0.60"}},
    )
    @action(detail=True, methods=["post"], serializer_class=OrderDetailJSON)
    def order(self, request: Request, pk: str) -> Response:
        wanted = bodies.read(bodies.Ordered, self.body)
        placed = trading.order(
            self.participant,
            int(pk),
            wanted["option_reference"],
            wanted["activation_factor"],
            self.membership.user,
            timezone.now(),
            wanted["order_reference"],
        )
        return Response(OrderDetailJSON(placed).data, status=201)


class Orders(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = OrderJSON
    filterset_class = OrderFilters

    def get_serializer_class(self) -> type[Any]:
        return OrderJSON if self.action == "list" else OrderDetailJSON

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = FlexOrder.objects.of(self.participant).select_related(
            "counterparty", "congestion_point", "message"
        )
        rows = rows.defer("message__sealed")
        return rows if self.action == "list" else rows.prefetch_related("events__user")

    @described.listed(OrderJSON, "Orders", "Of an AGR or by a DSO; binding once they are accepted.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(OrderDetailJSON, "One order", "With its time line.")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
