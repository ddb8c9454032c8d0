"""Every message that came in or went out: its state, its bytes, and two things to do with it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from offers import uftp
from offers.domain import IllegalMove
from offers.models import Message, Participant
from offers.services import trading
from offers.uftp import display

from . import bodies, described
from .desk import Desk
from .errors import Refusal
from .filters import MessageFilters
from .read import MessageDetailJSON, MessageJSON

XML = OpenApiTypes.STR
GONE = "The bytes of this message are past their retention time and gone."


class XMLRenderer(BaseRenderer):
    media_type = "application/xml"
    format = "xml"
    charset = "utf-8"

    def render(
        self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> bytes:
        return bytes(data)


class AsItIs(BaseContentNegotiation):
    """The bytes of a message have one form, whatever is accepted."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Messages(ListModelMixin, RetrieveModelMixin, Desk):
    serializer_class = MessageJSON
    filterset_class = MessageFilters
    reads: ClassVar[frozenset[str]] = frozenset({"list", "retrieve", "raw", "xml"})

    def get_serializer_class(self) -> type[Any]:
        return MessageJSON if self.action == "list" else MessageDetailJSON

    def rows(self) -> QuerySet[Any]:
        rows = Message.objects.of(self.participant).select_related("counterparty").defer("sealed")
        return rows if self.action == "list" else rows.prefetch_related("attempt_rows")

    def _said(self, pk: int, status: int = 200) -> Response:
        return Response(MessageDetailJSON(self.rows().get(pk=pk)).data, status=status)

    @described.listed(MessageJSON, "Messages", "Newest first. A conversation: `?conversation_id=…`.")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @described.one(MessageDetailJSON, "One message", "With each attempt to deliver it.")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @described.one(XML, "The signed envelope", "Byte for byte as it went over the wire.")
    @action(detail=True, renderer_classes=[XMLRenderer], content_negotiation_class=AsItIs)
    def raw(self, request: Request, pk: str) -> Response:
        return _file(self._sealed(pk), f"message-{pk}-signed.xml")

    @described.one(XML, "The message itself", "Out of its envelope, indented for reading.")
    @action(detail=True, renderer_classes=[XMLRenderer], content_negotiation_class=AsItIs)
    def xml(self, request: Request, pk: str) -> Response:
        sealed = uftp.decode_envelope(self._sealed(pk)).body
        return _file(display.pretty_xml(uftp.seal.payload_of(sealed)).encode(), f"message-{pk}.xml")

    def _sealed(self, pk: str) -> bytes:
        sealed = Message.objects.of(self.participant).values_list("sealed", flat=True).get(pk=pk)
        if sealed is None:
            raise IllegalMove(GONE)
        return bytes(sealed)

    @described.act(
        "Send a test message",
        "Signed, delivered and answered like any message: does the counterparty hear us?",
        bodies.Recipient,
        MessageDetailJSON,
        201,
        makes=True,
        examples={"To a DSO": {"recipient": "dso.demo.example/DSO"}},
    )
    @action(detail=False, methods=["post"])
    def test(self, request: Request) -> Response:
        wanted = bodies.read(bodies.Recipient, self.body)["recipient"]
        row = trading.send_test(self.participant, self._partner(wanted), timezone.now())
        return self._said(row.pk, 201)

    def _partner(self, slug: str) -> Participant:
        domain, _, role = slug.partition("/")
        partner = partners_of(self.participant).filter(domain=domain, role=role.upper()).first()
        if partner is None:
            text = f"You trade with no “{slug}”: give domain and role, such as dso.demo.example/DSO."
            raise Refusal([{"field": "recipient", "text": text}])
        return partner

    @described.act(
        "Send a message again",
        "The same bytes once more; what had failed with it is sent again, too.",
        None,
        MessageDetailJSON,
    )
    @action(detail=True, methods=["post"])
    def again(self, request: Request, pk: str) -> Response:
        row = trading.send_again(self.participant, int(pk), self.membership.user, timezone.now())
        return self._said(row.pk)


def partners_of(participant: Participant) -> QuerySet[Participant]:
    """Those at its congestion points, in its contracts or its messages; others are none of its business."""
    wrote = Message.objects.of(participant).values("counterparty")
    there = Q(congestion_points__agrs=participant) | Q(active_at__dso=participant) | Q(pk__in=wrote)
    there |= Q(contracts_as_dso__agr=participant) | Q(contracts_as_agr__dso=participant)
    return Participant.objects.filter(there).exclude(pk=participant.pk).distinct()


def _file(content: bytes, name: str) -> Response:
    """As a file: a browser shall not interpret what strangers wrote."""
    return Response(content, headers={"Content-Disposition": f'attachment; filename="{name}"'})
