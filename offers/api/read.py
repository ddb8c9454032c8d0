"""What is answered: each row as JSON, in the names of the specification."""

from enum import StrEnum
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from offers.domain import OfferState, OrderState, RequestState
from offers.models import (
    Answer,
    Attempt,
    CongestionPoint,
    Contract,
    Direction,
    Event,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    IspWindow,
    Message,
    MessageState,
    OfferOption,
    Participant,
)

from .fields import Amount, Band, EntityAddress, Factor, Party, Segment, Watts

DRAFT_WORDS = ("expires_at", "contract_id", "baseline_reference", "options")
REQUEST_WORDS = ("expires_at", "contract_id", "service_type", "isps", "forecast_w")

FORECAST = "Watts by ISP number; the DSO’s own, it goes to nobody."


def named(states: type[StrEnum]) -> list[tuple[str, str]]:
    return [(state.value, state.name) for state in states]


class PointJSON(serializers.ModelSerializer[CongestionPoint]):
    dso = Party(read_only=True)
    agrs = serializers.SerializerMethodField(help_text="To an AGR only itself is shown.")
    isp_duration = serializers.SerializerMethodField(help_text="As on the wire: PT15M.")
    capacity_w = Watts(allow_null=True, read_only=True, help_text="Rated capacity in watts.")

    class Meta:
        model = CongestionPoint
        fields = [
            "id", "entity_address", "name", "dso", "agrs", "time_zone", "isp_duration", "currency",
            "mutex_offers_supported", "day_ahead_redispatch_by", "intraday_redispatch_by", "capacity_w",
            "answers_automatically",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(Party(many=True))
    def get_agrs(self, point: CongestionPoint) -> Any:
        """Who else sells at a point is no business of an AGR."""
        asker: Participant = self.context["participant"]
        agrs = [agr for agr in point.agrs.all() if point.dso_id == asker.pk or agr.pk == asker.pk]
        return Party(agrs, many=True).data

    def get_isp_duration(self, point: CongestionPoint) -> str:
        return f"PT{int(point.isp_duration.total_seconds()) // 60}M"


class WindowJSON(serializers.ModelSerializer[IspWindow]):
    days = serializers.SerializerMethodField(help_text="Such as [“mon”, “tue”]; empty: every day.")

    class Meta:
        model = IspWindow
        fields = ["first_isp", "last_isp", "days"]
        read_only_fields = fields

    def get_days(self, window: IspWindow) -> list[str]:
        return [day for day in window.days.split(",") if day]


class ContractJSON(serializers.ModelSerializer[Contract]):
    dso = Party(read_only=True)
    agr = Party(read_only=True)
    congestion_point = EntityAddress()
    currency = serializers.CharField(source="congestion_point.currency", read_only=True)
    reserved_power_w = Watts(read_only=True)
    availability_price = Amount(read_only=True)
    activation_price = Amount(read_only=True)
    lead_time_seconds = serializers.SerializerMethodField()
    windows = WindowJSON(many=True, read_only=True)

    class Meta:
        model = Contract
        fields = [
            "id", "contract_id", "dso", "agr", "congestion_point", "valid_from", "valid_to",
            "reserved_power_w", "currency", "availability_price", "activation_price", "max_activations",
            "lead_time_seconds", "windows",
        ]  # fmt: skip
        read_only_fields = fields

    def get_lead_time_seconds(self, contract: Contract) -> int | None:
        return None if contract.lead_time is None else int(contract.lead_time.total_seconds())


class DeliveryJSON(serializers.ModelSerializer[Message]):
    """How far the message got: delivered is not accepted."""

    state = serializers.ChoiceField(choices=MessageState.choices, read_only=True)
    answer = serializers.ChoiceField(choices=Answer.choices, read_only=True)

    class Meta:
        model = Message
        fields = [
            "id", "message_id", "conversation_id", "direction", "version", "state", "state_at", "attempts",
            "next_attempt_at", "error", "answer", "answer_reason", "answered_at",
        ]  # fmt: skip
        read_only_fields = fields


class EventJSON(serializers.ModelSerializer[Event]):
    user = serializers.CharField(source="user.username", default=None, read_only=True)

    class Meta:
        model = Event
        fields = ["event", "from_state", "to_state", "at", "user", "message", "text"]
        read_only_fields = fields


class TradeJSON(serializers.ModelSerializer[Any]):
    """What requests, offers and orders have in common."""

    counterparty = Party(read_only=True)
    congestion_point = EntityAddress()
    message = DeliveryJSON(read_only=True, allow_null=True)

    class Meta:
        fields = [
            "id", "state", "state_at", "version", "reason", "created_at", "counterparty",
            "congestion_point", "period", "message",
        ]  # fmt: skip


class RequestDraftJSON(serializers.Serializer[Any]):
    """As it was typed, right or wrong."""

    expires_at = serializers.CharField(required=False, help_text="ISO 8601 with offset.")
    contract_id = serializers.CharField(required=False, allow_blank=True)
    service_type = serializers.CharField(required=False, allow_blank=True)
    isps = Band(many=True, required=False)
    forecast_w = serializers.DictField(child=Watts(), required=False, help_text=FORECAST)


class RequestJSON(TradeJSON):
    state = serializers.ChoiceField(choices=named(RequestState), read_only=True)
    contract_id = serializers.CharField(source="contract.contract_id", default=None, read_only=True)
    isps = Band(many=True, read_only=True)
    forecast_w = serializers.DictField(child=Watts(), read_only=True, help_text=FORECAST)
    draft = serializers.SerializerMethodField(help_text="Only while it is a draft.")

    class Meta:
        model = FlexRequest
        fields = [
            *TradeJSON.Meta.fields, "group", "revision", "expires_at", "contract_id", "service_type", "isps",
            "forecast_w", "draft",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(RequestDraftJSON(allow_null=True))
    def get_draft(self, row: FlexRequest) -> Any:
        return drafted(row.draft, REQUEST_WORDS) if row.state == RequestState.DRAFT else None


class RequestDetailJSON(RequestJSON):
    events = EventJSON(many=True, read_only=True)

    class Meta(RequestJSON.Meta):
        fields = [*RequestJSON.Meta.fields, "events"]
        read_only_fields = fields


class OptionJSON(serializers.ModelSerializer[OfferOption]):
    price = Amount(read_only=True)
    min_activation_factor = Factor(read_only=True)
    isps = Segment(many=True, read_only=True)
    energy_wh = serializers.IntegerField(read_only=True, help_text="Watt-hours, signed like the power.")
    peak_w = Watts(read_only=True, help_text="The power furthest from zero.")

    class Meta:
        model = OfferOption
        fields = ["option_reference", "price", "min_activation_factor", "isps", "energy_wh", "peak_w"]
        read_only_fields = fields


class DraftOptionJSON(serializers.Serializer[Any]):
    option_reference = serializers.CharField()
    price = serializers.CharField(help_text="Such as “101.40”.")
    min_activation_factor = serializers.CharField(required=False, help_text="“0.01” to “1.00”.")
    isps = Segment(many=True)


class OfferDraftJSON(serializers.Serializer[Any]):
    """As it was typed, right or wrong."""

    expires_at = serializers.CharField(required=False, help_text="ISO 8601 with offset.")
    contract_id = serializers.CharField(required=False, allow_blank=True)
    baseline_reference = serializers.CharField(required=False, allow_blank=True)
    options = DraftOptionJSON(many=True, required=False)


class OfferJSON(TradeJSON):
    state = serializers.ChoiceField(choices=named(OfferState), read_only=True)
    contract_id = serializers.CharField(source="contract.contract_id", default=None, read_only=True)
    options = OptionJSON(many=True, read_only=True)
    revocation = DeliveryJSON(read_only=True, allow_null=True)
    draft = serializers.SerializerMethodField(help_text="Only while it is a draft.")

    class Meta:
        model = FlexOffer
        fields = [
            *TradeJSON.Meta.fields, "flex_request", "expires_at", "send_at", "contract_id",
            "baseline_reference", "d_prognosis_message_id", "currency", "options", "revocation", "draft",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OfferDraftJSON(allow_null=True))
    def get_draft(self, row: FlexOffer) -> Any:
        return drafted(row.draft, DRAFT_WORDS) if row.state == OfferState.DRAFT else None


class OfferDetailJSON(OfferJSON):
    events = EventJSON(many=True, read_only=True)

    class Meta(OfferJSON.Meta):
        fields = [*OfferJSON.Meta.fields, "events"]
        read_only_fields = fields


class OrderJSON(TradeJSON):
    state = serializers.ChoiceField(choices=named(OrderState), read_only=True)
    activation_factor = Factor(read_only=True)
    price = Amount(read_only=True, help_text="What is paid: scaled by the factor.")
    isps = Segment(many=True, read_only=True, help_text="What is to be done: scaled by the factor.")
    energy_wh = serializers.IntegerField(read_only=True, help_text="Watt-hours, signed like the power.")
    peak_w = Watts(read_only=True, help_text="The power furthest from zero.")

    class Meta:
        model = FlexOrder
        fields = [
            *TradeJSON.Meta.fields, "flex_offer", "order_reference", "option_reference", "activation_factor",
            "price", "currency", "isps", "energy_wh", "peak_w",
        ]  # fmt: skip
        read_only_fields = fields


class OrderDetailJSON(OrderJSON):
    events = EventJSON(many=True, read_only=True)

    class Meta(OrderJSON.Meta):
        fields = [*OrderJSON.Meta.fields, "events"]
        read_only_fields = fields


class AttemptJSON(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ["number", "started_at", "ended_at", "status", "verdict", "text", "next_attempt_at"]
        read_only_fields = fields


class MessageJSON(serializers.ModelSerializer[Message]):
    counterparty = Party(read_only=True)
    direction = serializers.ChoiceField(choices=Direction.choices, read_only=True)
    state = serializers.ChoiceField(choices=MessageState.choices, read_only=True)
    answer = serializers.ChoiceField(choices=Answer.choices, read_only=True)

    class Meta:
        model = Message
        fields = [
            "id", "direction", "counterparty", "type", "version", "message_id", "conversation_id", "about",
            "created_at", "received_at", "state", "state_at", "error", "attempts", "next_attempt_at",
            "expires_at", "wants_answer", "answer", "answer_reason", "answered_at", "answers", "refers_to",
            "sha256",
        ]  # fmt: skip
        read_only_fields = fields


class MessageDetailJSON(MessageJSON):
    attempt_rows = AttemptJSON(many=True, read_only=True)

    class Meta(MessageJSON.Meta):
        fields = [*MessageJSON.Meta.fields, "attempt_rows"]
        read_only_fields = fields


def drafted(draft: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    """What was typed, without what only the pages keep beside it."""
    return {word: draft[word] for word in words if word in draft}
