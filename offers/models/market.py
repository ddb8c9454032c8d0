"""Where flexibility is traded and under which agreements: congestion points and contracts."""

from datetime import date, timedelta
from typing import Any

from django.db import models
from django.db.models import Q

from .money import MoneyField
from .participants import Participant, type_user

REDISPATCH = [("AGR", "AGR"), ("DSO", "DSO")]
MOST_WATTS = 10**12
MOST_ACTIVATIONS = 10**9
LONGEST_LEAD_TIME = timedelta(days=366)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CongestionPointQuerySet(models.QuerySet["CongestionPoint"]):
    def visible_to(self, user: type_user) -> "CongestionPointQuerySet":
        """The points at which one of the user's participants is the DSO or an AGR."""
        mine = Participant.objects.visible_to(user).values("pk")
        agrs = CongestionPoint.agrs.through.objects.filter(participant_id__in=mine)
        return self.filter(Q(dso__in=mine) | Q(pk__in=agrs.values("congestionpoint_id")))

    def of(self, participant: Participant) -> "CongestionPointQuerySet":
        """The points at which `participant` is the DSO or an AGR."""
        agrs = CongestionPoint.agrs.through.objects.filter(participant=participant)
        return self.filter(Q(dso=participant) | Q(pk__in=agrs.values("congestionpoint_id")))


class CongestionPoint(models.Model):
    """A place in the grid where flexibility is traded, and the terms of its market."""

    entity_address = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=100)
    dso = models.ForeignKey(
        Participant,
        on_delete=models.PROTECT,
        related_name="congestion_points",
        limit_choices_to={"role": "DSO"},
    )
    agrs = models.ManyToManyField(
        Participant,
        related_name="active_at",
        blank=True,
        limit_choices_to={"role": "AGR"},
        verbose_name="AGRs",
    )
    time_zone = models.CharField(max_length=64, default="Europe/Amsterdam")
    isp_duration = models.DurationField(default=timedelta(minutes=15))
    currency = models.CharField(max_length=3, default="EUR")
    mutex_offers_supported = models.BooleanField(default=True, help_text="An offer may have several options.")
    day_ahead_redispatch_by = models.CharField(max_length=3, choices=REDISPATCH, default="AGR")
    intraday_redispatch_by = models.CharField(max_length=3, choices=REDISPATCH, default="DSO", blank=True)
    capacity_w = models.BigIntegerField(null=True, blank=True, help_text="Rated capacity in watts.")
    answers_automatically = models.BooleanField(
        default=True,
        help_text="Offers that pass the rules are accepted at once; otherwise they wait for staff.",
    )

    objects = CongestionPointQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(capacity_w=None) | Q(capacity_w__gte=1, capacity_w__lte=MOST_WATTS),
                name="point_capacity",
                violation_error_message=f"A capacity is 1 to {MOST_WATTS:,} W.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ContractQuerySet(models.QuerySet["Contract"]):
    def visible_to(self, user: type_user) -> "ContractQuerySet":
        mine = Participant.objects.visible_to(user).values("pk")
        return self.filter(Q(dso__in=mine) | Q(agr__in=mine))

    def between(self, one: Participant, other: Participant) -> "ContractQuerySet":
        return self.filter(Q(dso=one, agr=other) | Q(dso=other, agr=one))

    def on(self, day: date) -> "ContractQuerySet":
        return self.filter(valid_from__lte=day).filter(Q(valid_to=None) | Q(valid_to__gte=day))


class Contract(models.Model):
    """A bilateral contract: what an AGR keeps available for a DSO, when, and for what price."""

    contract_id = models.CharField(max_length=100)
    dso = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="contracts_as_dso")
    agr = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="contracts_as_agr")
    congestion_point = models.ForeignKey(CongestionPoint, on_delete=models.PROTECT, related_name="contracts")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    reserved_power_w = models.BigIntegerField(default=0, help_text="Watts; minus = less consumption.")
    availability_price = MoneyField(default=0)
    activation_price = MoneyField(default=0)
    max_activations = models.PositiveIntegerField(null=True, blank=True)
    lead_time = models.DurationField(null=True, blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["contract_id"]
        constraints = [
            models.UniqueConstraint(fields=["dso", "agr", "contract_id"], name="contract_id_between_two"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=models.F("valid_from")), name="contract_dates"
            ),
            models.CheckConstraint(
                condition=Q(availability_price__gte=0, activation_price__gte=0),
                name="contract_prices",
                violation_error_message="A price of a contract is 0 or more.",
            ),
            models.CheckConstraint(
                condition=Q(reserved_power_w__gte=-MOST_WATTS, reserved_power_w__lte=MOST_WATTS),
                name="contract_power",
                violation_error_message=f"The reserved power is within ±{MOST_WATTS:,} W.",
            ),
            models.CheckConstraint(
                condition=Q(max_activations=None) | Q(max_activations__lte=MOST_ACTIVATIONS),
                name="contract_activations",
                violation_error_message=f"There are at most {MOST_ACTIVATIONS:,} activations.",
            ),
            models.CheckConstraint(
                condition=Q(lead_time=None)
                | Q(lead_time__gte=timedelta(0), lead_time__lte=LONGEST_LEAD_TIME),
                name="contract_lead_time",
                violation_error_message="A lead time is PT0M to P366D.",
            ),
        ]

    def __str__(self) -> str:
        return self.contract_id


class IspWindow(models.Model):
    """On which days and in which ISPs a contract reserves power."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="windows")
    first_isp = models.PositiveSmallIntegerField()
    last_isp = models.PositiveSmallIntegerField()
    days = models.CharField(max_length=27, blank=True, help_text="Such as “mon,tue”; empty means every day.")

    class Meta:
        ordering = ["contract", "first_isp"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_isp__gte=1, last_isp__gte=models.F("first_isp")), name="isp_window_order"
            )
        ]

    def __str__(self) -> str:
        days = f" on {self.days}" if self.days else ""
        return f"ISP {self.first_isp}–{self.last_isp}{days}"

    def clean_fields(self, exclude: Any = None) -> None:
        from django.core.exceptions import ValidationError

        super().clean_fields(exclude)
        wrong = [day for day in self.days.split(",") if day and day not in DAYS]
        if wrong:
            raise ValidationError({"days": f"“{wrong[0]}” is no day: write {', '.join(DAYS)}"})
