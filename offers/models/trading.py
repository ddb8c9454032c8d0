"""What is traded: requests, offers with their options, orders, prognoses, and what happened to them."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q

from offers.domain import OfferState, OrderState, RequestState
from offers.uftp.isp import midnight

from .market import CongestionPoint, Contract
from .messages import Message
from .money import MoneyField
from .participants import Participant, type_user


def choices(states: type[RequestState] | type[OfferState] | type[OrderState]) -> list[tuple[str, str]]:
    return [(str(state), str(state)) for state in states]


class Owned(models.Model):
    """What every trading record has: a tenant, the other side, a place, a day, and when it last moved."""

    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    counterparty = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    congestion_point = models.ForeignKey(CongestionPoint, on_delete=models.PROTECT, related_name="+")
    period = models.DateField()
    version = models.PositiveIntegerField(default=0)  # of the row: counts its moves
    state_at = models.DateTimeField()
    reason = models.TextField(blank=True)  # why it was rejected or failed
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class OwnedQuerySet(models.QuerySet):  # type: ignore[type-arg]  # base of typed querysets
    def visible_to(self, user: type_user):  # type: ignore[no-untyped-def]
        return self.filter(owner__in=Participant.objects.visible_to(user).values("pk"))

    def of(self, participant: Participant):  # type: ignore[no-untyped-def]
        return self.filter(owner=participant)


class FlexRequestQuerySet(OwnedQuerySet):
    def open_at(self, now: datetime) -> "FlexRequestQuerySet":
        return self.filter(state__in=["sent", "accepted"], expires_at__gt=now)


class FlexRequest(Owned):
    """A DSO asks one AGR for flexibility; requests for the same need to several AGRs share a group."""

    group = models.UUIDField(default=uuid.uuid4, db_index=True)
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="flex_request"
    )
    state = models.CharField(max_length=10, choices=choices(RequestState), default=RequestState.DRAFT)
    revision = models.BigIntegerField(default=1)
    expires_at = models.DateTimeField(null=True, blank=True)
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT)
    service_type = models.CharField(max_length=1000, blank=True)
    isps = models.JSONField(default=list)  # [{disposition, min_power, max_power, start, duration}] in watts
    draft = models.JSONField(default=dict, blank=True)  # as typed, until it is sent
    forecast_w = models.JSONField(default=dict, blank=True)  # {ISP number: watts}, the DSO's own

    objects = FlexRequestQuerySet.as_manager()

    class Meta:
        ordering = ["expires_at", "pk"]
        verbose_name = "FlexRequest"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(RequestState)), name="request_state")
        ]
        indexes = [
            models.Index(fields=["owner", "state", "expires_at"], name="request_desk"),
            models.Index(fields=["state", "expires_at"], name="request_to_expire"),
            models.Index(
                fields=["owner", "counterparty", "congestion_point", "period"], name="request_revision"
            ),
        ]

    def __str__(self) -> str:
        return f"R-{self.pk}"


class FlexOfferQuerySet(OwnedQuerySet):
    def with_parts(self) -> "FlexOfferQuerySet":
        """With all that a list or a page shows, in a fixed number of queries."""
        return self.select_related(
            "owner", "counterparty", "congestion_point", "message", "flex_request", "contract"
        ).prefetch_related("options")


class FlexOffer(Owned):
    """An AGR's offer: mutually exclusive options, valid until it expires, is revoked or ordered."""

    flex_request = models.ForeignKey(
        FlexRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="flex_offers"
    )
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="flex_offer"
    )
    revocation = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="revoked_offer"
    )
    state = models.CharField(max_length=10, choices=choices(OfferState), default=OfferState.DRAFT)
    expires_at = models.DateTimeField(null=True, blank=True)
    send_at = models.DateTimeField(null=True, blank=True)  # a draft that is to be sent later by itself
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT)
    baseline_reference = models.CharField(max_length=1000, blank=True)
    d_prognosis_message_id = models.CharField(max_length=36, blank=True)
    currency = models.CharField(max_length=3)
    draft = models.JSONField(default=dict, blank=True)  # as typed, until it is sent
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = FlexOfferQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "FlexOffer"
        constraints = [models.CheckConstraint(condition=Q(state__in=list(OfferState)), name="offer_state")]
        indexes = [
            models.Index(fields=["owner", "state", "expires_at"], name="offer_desk"),
            models.Index(fields=["owner", "-id"], name="offer_list"),
            models.Index(fields=["owner", "state", "-id"], name="offer_list_by_state"),
            models.Index(fields=["owner", "period", "-id"], name="offer_list_by_day"),
            models.Index(fields=["owner", "created_at", "id"], name="offer_by_time"),
            models.Index(fields=["state", "expires_at"], name="offer_to_expire"),
            models.Index(
                fields=["send_at"], condition=Q(state="draft", send_at__isnull=False), name="offer_to_send"
            ),
        ]

    def __str__(self) -> str:
        return f"O-{self.pk}"

    # A list reads them as `read_options` and `read_orders` (`Prefetch(to_attr=…)`): a queryset for each of
    # its offers, which is how Django keeps them otherwise, takes longer than reading them.

    def known_options(self) -> "Iterable[OfferOption]":
        read: list[OfferOption] | None = vars(self).get("read_options")
        return self.options.all() if read is None else read

    def known_orders(self) -> "Iterable[FlexOrder]":
        read: list[FlexOrder] | None = vars(self).get("read_orders")
        return self.flex_orders.all() if read is None else read

    def is_valid_at(self, now: datetime) -> bool:
        """D2: valid while now < ExpirationDateTime; at equality it is expired."""
        return self.expires_at is not None and now < self.expires_at

    def has_begun_at(self, now: datetime) -> bool:
        """Whether the first ISP of any option runs already: then it is no more to be revoked."""
        point = self.congestion_point
        day = midnight(self.period, ZoneInfo(point.time_zone))
        if now < day:
            return False
        starts = (isp["start"] for option in self.known_options() for isp in option.isps)
        return any(day + (start - 1) * point.isp_duration <= now for start in starts)


class OfferOption(models.Model):
    """One of an offer's alternatives: a price, a least activation and a power change per ISP."""

    flex_offer = models.ForeignKey(
        FlexOffer, on_delete=models.CASCADE, related_name="options", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    option_reference = models.CharField(max_length=1000)
    price = MoneyField()
    min_activation_factor = models.PositiveSmallIntegerField(default=100)  # in hundredths
    isps = models.JSONField()  # [{start, duration, power}] in watts, as it stood in the message
    energy_wh = models.BigIntegerField(default=0)  # sum over ISPs, signed like the power
    peak_w = models.BigIntegerField(default=0)  # the power furthest from zero

    class Meta:
        ordering = ["flex_offer", "position"]
        constraints = [
            models.UniqueConstraint(fields=["flex_offer", "position"], name="option_position"),
            models.UniqueConstraint(fields=["flex_offer", "option_reference"], name="option_reference_once"),
            models.CheckConstraint(
                condition=Q(min_activation_factor__gte=1, min_activation_factor__lte=100),
                name="option_factor",
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="option_price"),
        ]

    def __str__(self) -> str:
        return f"{self.flex_offer} {self.option_reference}"

    @property
    def letter(self) -> str:
        return chr(ord("A") + self.position) if self.position < 26 else str(self.position + 1)

    @property
    def min_factor(self) -> Decimal:
        return Decimal(self.min_activation_factor).scaleb(-2)


class FlexOrderQuerySet(OwnedQuerySet):
    pass


class FlexOrder(Owned):
    """A DSO's order of one option of an offer, binding once it is accepted."""

    flex_offer = models.ForeignKey(
        FlexOffer, null=True, blank=True, on_delete=models.PROTECT, related_name="flex_orders"
    )
    option = models.ForeignKey(OfferOption, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="flex_order")
    state = models.CharField(max_length=10, choices=choices(OrderState))
    order_reference = models.CharField(max_length=1000)
    option_reference = models.CharField(max_length=1000, blank=True)
    activation_factor = models.PositiveSmallIntegerField(default=100)  # in hundredths
    price = MoneyField()  # what is paid: scaled by the factor
    currency = models.CharField(max_length=3)
    isps = models.JSONField()  # [{start, duration, power}] in watts, what is to be done: scaled by the factor
    energy_wh = models.BigIntegerField(default=0)
    peak_w = models.BigIntegerField(default=0)

    objects = FlexOrderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "FlexOrder"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(OrderState)), name="order_state"),
            models.CheckConstraint(condition=Q(price__gte=0), name="order_price"),
            # D17, the last wall: whatever a bug does, an offer has at most one live order.
            models.UniqueConstraint(
                fields=["flex_offer"],
                condition=Q(state__in=["sent", "accepted"]),
                name="one_live_order_per_offer",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="order_list"),
            models.Index(fields=["owner", "period", "state"], name="order_position"),
            models.Index(fields=["id"], condition=Q(state="sent"), name="order_unanswered"),
        ]

    def __str__(self) -> str:
        return self.order_reference

    @property
    def factor(self) -> Decimal:
        return Decimal(self.activation_factor).scaleb(-2)


class PrognosisQuerySet(OwnedQuerySet):
    pass


class Prognosis(Owned):
    """A D-Prognosis: the load that an AGR expects at a congestion point on a day."""

    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="prognosis")
    state = models.CharField(max_length=10, choices=[("accepted", "accepted"), ("rejected", "rejected")])
    revision = models.BigIntegerField()
    isps = models.JSONField()  # [{start, duration, power}] in watts

    objects = PrognosisQuerySet.as_manager()

    class Meta:
        ordering = ["-period", "-revision"]
        verbose_name, verbose_name_plural = "D-Prognosis", "D-Prognoses"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["accepted", "rejected"]), name="prognosis_state"),
            models.UniqueConstraint(
                fields=["owner", "counterparty", "congestion_point", "period", "revision"],
                condition=Q(state="accepted"),
                name="prognosis_revision_once",
            ),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="prognosis_list")]

    def __str__(self) -> str:
        return f"D-Prognosis {self.revision} of {self.period}"


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: type_user) -> "EventQuerySet":
        return self.filter(owner__in=Participant.objects.visible_to(user).values("pk"))


class Event(models.Model):
    """One move of a request, an offer or an order: who or which message caused it, when, from, to."""

    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    flex_request = models.ForeignKey(
        FlexRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    flex_offer = models.ForeignKey(
        FlexOffer, null=True, blank=True, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    flex_order = models.ForeignKey(
        FlexOrder, null=True, blank=True, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    version = models.PositiveIntegerField()
    event = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    text = models.TextField(blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["flex_request", "version"], name="one_event_per_request_version"),
            models.UniqueConstraint(fields=["flex_offer", "version"], name="one_event_per_offer_version"),
            models.UniqueConstraint(fields=["flex_order", "version"], name="one_event_per_order_version"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="event_feed")]

    def __str__(self) -> str:
        return f"{self.event}: {self.from_state} → {self.to_state}"
