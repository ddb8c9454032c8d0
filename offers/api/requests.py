"""FlexRequests: read by both sides; drafted, checked and sent by a DSO, to several AGRs at once."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from offers.models import CongestionPoint, FlexRequest, Role
from offers.services import trading

from . import bodies, described, examples
from .desk import Desk
from .errors import Refusal, said
from .fields import Party
from .filters import RequestFilters
from .read import REQUEST_WORDS, RequestDetailJSON, RequestDraftJSON, RequestJSON, drafted

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Requests(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = RequestJSON
    filterset_class = RequestFilters

    def get_serializer_class(self) -> type[Any]:
        return RequestDetailJSON if self.action == "retrieve" else RequestJSON

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = FlexRequest.objects.of(self.participant).select_related(
            "counterparty", "congestion_point", "message", "contract"
        )
        rows = rows.defer("message__sealed")
        return rows.prefetch_related("events__user") if self.action == "retrieve" else rows

    @described.listed(RequestJSON, "Requests", "What an AGR was asked; what a DSO asks, one row per AGR.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(RequestDetailJSON, "One request", "With its time line.")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


class GroupJSON(serializers.Serializer[Any]):
    """The requests to several AGRs for one need."""

    group = serializers.UUIDField()
    congestion_point = serializers.CharField()
    period = serializers.DateField()
    recipients = Party(many=True)
    draft = RequestDraftJSON(allow_null=True, help_text="Only while it is a draft.")
    requests = RequestJSON(many=True)


class Groups(Desk):
    """A need of a DSO: one draft, sent as one FlexRequest to each of its AGRs."""

    serializer_class = GroupJSON
    lookup_field = "group"
    lookup_value_regex = UUID
    actions = ("create", "retrieve", "update", "destroy", "check", "preview", "send")
    roles: ClassVar[dict[str, Role]] = dict.fromkeys(actions, Role.DSO)
    filter_backends = ()
    pagination_class = None

    def get_queryset(self) -> QuerySet[Any]:
        return FlexRequest.objects.none()

    @described.act(
        "Draft a request",
        "To all AGRs of the congestion point, or to the `recipients`. What it says is kept as it is, "
        "right or wrong; `check` and `send` tell what is wrong with it.",
        bodies.NewRequests,
        GroupJSON,
        201,
        makes=True,
        examples={"Evening peak": examples.REQUEST},
    )
    def create(self, request: Request) -> Response:
        need = bodies.read(bodies.Need, self.body, REQUEST_WORDS)
        point = self._point(need["congestion_point"])
        wanted = agrs_of(point, need["recipients"]) if "recipients" in need else None
        draft = bodies.only(self.body, REQUEST_WORDS)
        rows = trading.draft_requests(
            self.participant, point, need["period"], draft, self.membership.user, timezone.now(), wanted
        )
        return Response(group_json(rows), status=201)

    def _point(self, entity_address: str) -> CongestionPoint:
        point = CongestionPoint.objects.filter(dso=self.participant, entity_address=entity_address).first()
        if point is None:
            text = f"There is no congestion point {entity_address} of yours."
            raise Refusal([{"field": "congestion_point", "text": text}])
        return point

    def _rows(self, group: str) -> list[FlexRequest]:
        rows = trading.group_of(self.participant, uuid.UUID(group))
        if not rows:
            raise FlexRequest.DoesNotExist
        return rows

    @described.one(GroupJSON, "One draft or sent request, to all its AGRs")
    def retrieve(self, request: Request, group: str) -> Response:
        return Response(group_json(self._rows(group)))

    @described.act(
        "Change a draft",
        "The draft is replaced as a whole.",
        bodies.ChangedRequests,
        GroupJSON,
        examples={"Evening peak": examples.REQUEST_DRAFT},
    )
    def update(self, request: Request, group: str) -> Response:
        changes = bodies.read(bodies.Changes, self.body, REQUEST_WORDS)
        draft = bodies.only(self.body, REQUEST_WORDS)
        if "period" in changes:
            draft["period"] = changes["period"].isoformat()
        if "recipients" in changes:
            draft["recipients"] = agrs_of(self._rows(group)[0].congestion_point, changes["recipients"])
        rows = trading.save_request_draft(
            self.participant, uuid.UUID(group), draft, self.membership.user, timezone.now()
        )
        return Response(group_json(rows))

    @described.act("Throw a draft away", "A request that was sent stays.", None, None, 204)
    def destroy(self, request: Request, group: str) -> Response:
        trading.delete_request_draft(self.participant, uuid.UUID(group))
        return Response(status=204)

    @described.act("Check a draft", "All reasons why it could not be sent now.", None, described.Verdict)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, group: str) -> Response:
        rows = self._rows(group)
        reasons = trading.check_requests(rows, rows[0].draft, timezone.now())
        return Response({"ok": not reasons, "reasons": said(reasons)})

    @described.act("Preview the XML", "As the first recipient would get it.", None, described.Preview)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, group: str) -> Response:
        rows = self._rows(group)
        return Response({"xml": trading.preview_requests(rows, rows[0].draft, timezone.now())})

    @described.act("Send a request", "To each of its AGRs, or to none: 422 has all reasons.", None, GroupJSON)
    @action(detail=True, methods=["post"])
    def send(self, request: Request, group: str) -> Response:
        key = uuid.UUID(group)
        trading.send_requests(self.participant, key, self.membership.user, timezone.now())
        return Response(group_json(trading.group_of(self.participant, key)))


def agrs_of(point: CongestionPoint, domains: Sequence[str]) -> list[int]:
    """The ids of AGRs by their domains; all that are not active at the point are named at once."""
    known = {agr.domain: agr.pk for agr in trading.recipients_of(point)}
    strange = [domain for domain in domains if domain not in known]
    if strange:
        raise Refusal(
            [{"field": "recipients", "text": f"{domain} is not active at {point}."} for domain in strange]
        )
    return [known[domain] for domain in domains]


def group_json(rows: Sequence[FlexRequest]) -> dict[str, Any]:
    first = rows[0]
    draft = drafted(first.draft, REQUEST_WORDS) if first.state == "draft" else None
    return {
        "group": str(first.group),
        "congestion_point": first.congestion_point.entity_address,
        "period": first.period.isoformat(),
        "recipients": Party([row.counterparty for row in rows], many=True).data,
        "draft": draft,
        "requests": RequestJSON(rows, many=True).data,
    }
