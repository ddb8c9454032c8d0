"""Trading records, messages and refusals in the admin: to look at, never to change."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from offers import models

from .discreet import Discreet


@admin.display(description="created (UTC)", ordering="created_at")
def created(row: Any) -> str:
    return f"{row.created_at:%Y-%m-%d %H:%M:%S}"


@admin.display(description="MessageID", ordering="message_id")
def short_id(row: models.Message) -> str:
    """Enough to tell messages apart; all of it is on the next page."""
    return f"{row.message_id[:8]}…"


@admin.display(description="at (UTC)", ordering="at")
def moment(row: Any) -> str:
    return f"{row.at:%Y-%m-%d %H:%M:%S}"


class NoChange:
    """Only services write these rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(NoChange, Discreet):
    show_full_result_count = False
    list_per_page = 50


class ReadOnlyInline(NoChange, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False


class OptionInline(ReadOnlyInline):
    model = models.OfferOption


class EventInline(ReadOnlyInline):
    model = models.Event
    fields = ("at", "event", "from_state", "to_state", "user", "message", "text")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user", "message")


class RequestEvents(EventInline):
    fk_name = "flex_request"


class OfferEvents(EventInline):
    fk_name = "flex_offer"


class OrderEvents(EventInline):
    fk_name = "flex_order"


class AttemptInline(ReadOnlyInline):
    model = models.Attempt


TRADE_COLUMNS = ("__str__", "owner", "counterparty", "congestion_point", "period", "state", "state_at")


class Trade(ReadOnly):
    """What requests, offers, orders and prognoses have in common."""

    list_filter = ("state", "owner")
    list_select_related = ("owner", "counterparty", "congestion_point")
    exclude: ClassVar[Any] = ("draft",)


@admin.register(models.FlexRequest)
class FlexRequestAdmin(Trade):
    list_display = (*TRADE_COLUMNS, "revision", "expires_at")
    inlines = (RequestEvents,)
    search_fields = ("=message__message_id",)


@admin.register(models.FlexOffer)
class FlexOfferAdmin(Trade):
    list_display = (*TRADE_COLUMNS, "expires_at")
    inlines = (OptionInline, OfferEvents)
    search_fields = ("=message__message_id",)


@admin.register(models.FlexOrder)
class FlexOrderAdmin(Trade):
    list_display = (*TRADE_COLUMNS, "price", "currency", "activation_factor")
    inlines = (OrderEvents,)
    search_fields = ("=message__message_id", "=order_reference")
    exclude = ()


@admin.register(models.Prognosis)
class PrognosisAdmin(Trade):
    list_display = (*TRADE_COLUMNS, "revision")
    exclude = ()


@admin.register(models.Message)
class MessageAdmin(ReadOnly):
    """The sealed bytes are in the console; here is what is known about them."""

    list_display = (
        created,
        "owner",
        "direction",
        "counterparty",
        "type",
        short_id,
        "state",
        "answer",
        "attempts",
    )
    list_filter = ("direction", "state", "type", "owner")
    list_select_related = ("owner", "counterparty")
    search_fields = ("=message_id", "=conversation_id")
    inlines = (AttemptInline,)


@admin.register(models.Event)
class EventAdmin(ReadOnly):
    list_display = (moment, "owner", "event", "from_state", "to_state", "user", "text")
    list_filter = ("event", "owner")
    list_select_related = ("owner", "user")


@admin.register(models.Attempt)
class AttemptAdmin(ReadOnly):
    list_display = ("started_at", "message", "number", "verdict", "status", "text")
    list_filter = ("verdict",)
    list_select_related = ("message",)


@admin.register(models.Refusal)
class RefusalAdmin(ReadOnly):
    list_display = (moment, "status", "sender", "peer_address", "text")
    list_filter = ("status",)
    search_fields = ("sender",)
