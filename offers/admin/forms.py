"""Forms of the admin: what a market file may say, one may type here, and nothing else."""

import re
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError

from offers import models, transport, uftp
from offers.services.market import duration_text
from offers.uftp import simple
from offers.uftp.currencies import CODES
from offers.uftp.isp import is_length, parse_duration, zone

LONGEST_DAY = timedelta(hours=25)


def must_match(text: str, kind: simple.SimpleType) -> str:
    if not re.fullmatch(dict(kind.facets)["pattern"], text):
        raise ValidationError(f"“{text}” is not right: write {kind.right}.")
    return text


def printable(text: str) -> str:
    if not text.isprintable():
        raise ValidationError(f"{text!r} has characters that cannot be shown: write it without them.")
    return text


class DurationField(forms.CharField):
    """A duration as the protocol writes it: PT15M."""

    def prepare_value(self, value: Any) -> Any:
        return duration_text(value) if isinstance(value, timedelta) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_duration(text)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error


class ParticipantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A participant. An endpoint has to be an address that messages may be sent to."""

    class Meta:
        model = models.Participant
        fields = ("domain", "role", "name", "hosted", "endpoint", "version", "profile", "barred")

    def clean_name(self) -> str:
        return printable(self.cleaned_data["name"])

    def clean_domain(self) -> str:
        return must_match(self.cleaned_data["domain"], simple.INTERNET_DOMAIN)

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        if uftp.wire_version(version) is None:
            raise ValidationError(f"We do not speak {version}: write {' or '.join(uftp.VERSIONS)}.")
        return version

    def clean_endpoint(self) -> str:
        url: str = self.cleaned_data["endpoint"]
        if url:
            try:
                transport.check_endpoint(url, settings.LOCAL_MARKET)
            except (transport.ForbiddenAddress, ValueError) as error:
                raise ValidationError(str(error)) from error
        return url


class PublicKeyForm(forms.Form):
    public_key = forms.CharField(
        max_length=200, help_text="cs1.… or base64 of 32 bytes", widget=forms.TextInput({"size": 70})
    )


class ChangeOverForm(forms.Form):
    """How long the older keys are still good for verifying."""

    old_valid_for = forms.TypedChoiceField(
        label="Older keys verify for",
        choices=[
            ("", "as long as they do now"),
            (0, "no longer"),
            (1, "one day"),
            (7, "a week"),
            (30, "30 days"),
        ],
        coerce=int,
        empty_value=None,
        required=False,
    )


class SenderForm(forms.Form):
    sender = forms.ModelChoiceField(models.Participant.objects.none(), label="Send it as", empty_label=None)

    def __init__(self, *args: Any, recipient: models.Participant, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["sender"]
        field.queryset = models.Participant.objects.hosted().exclude(pk=recipient.pk)


class CongestionPointForm(forms.ModelForm):  # type: ignore[type-arg]
    isp_duration = DurationField(
        label="ISP length", initial="PT15M", help_text="Such as PT15M; whole minutes."
    )

    class Meta:
        model = models.CongestionPoint
        fields = (
            "entity_address",
            "name",
            "dso",
            "agrs",
            "capacity_w",
            "answers_automatically",
            "time_zone",
            "isp_duration",
            "currency",
            "mutex_offers_supported",
            "day_ahead_redispatch_by",
            "intraday_redispatch_by",
        )
        labels: ClassVar = {"dso": "DSO", "capacity_w": "Capacity (W)"}
        widgets: ClassVar = {"entity_address": forms.TextInput({"size": 60})}

    def clean_name(self) -> str:
        return printable(self.cleaned_data["name"])

    def clean_entity_address(self) -> str:
        return must_match(self.cleaned_data["entity_address"], simple.ENTITY_ADDRESS)

    def clean_time_zone(self) -> str:
        name = must_match(self.cleaned_data["time_zone"], simple.TIME_ZONE)
        if zone(name) is None:
            raise ValidationError(f"“{name}” is no time zone: write one such as Europe/Amsterdam.")
        return name

    def clean_isp_duration(self) -> timedelta:
        length: timedelta = self.cleaned_data["isp_duration"]
        if not is_length(length):
            raise ValidationError("An ISP has whole minutes, PT1M to PT1440M.")
        return length

    def clean_currency(self) -> str:
        code: str = self.cleaned_data["currency"]
        if code not in CODES:
            raise ValidationError(f"“{code}” is no currency of ISO 4217: write three capitals such as EUR.")
        return code

    def clean_capacity_w(self) -> int | None:
        watts: int | None = self.cleaned_data["capacity_w"]
        if watts is not None and watts <= 0:
            raise ValidationError("A capacity is above 0 W.")
        return watts


class ContractForm(forms.ModelForm):  # type: ignore[type-arg]
    lead_time = DurationField(required=False, help_text="Such as PT16H.")

    class Meta:
        model = models.Contract
        fields = (
            "contract_id",
            "dso",
            "agr",
            "congestion_point",
            "valid_from",
            "valid_to",
            "reserved_power_w",
            "availability_price",
            "activation_price",
            "max_activations",
            "lead_time",
        )
        labels: ClassVar = {
            "contract_id": "ContractID",
            "dso": "DSO",
            "agr": "AGR",
            "reserved_power_w": "Reserved power (W)",
        }
        help_texts: ClassVar = dict.fromkeys(
            ("availability_price", "activation_price"), "In the currency of the congestion point."
        )
        widgets: ClassVar = {name: AdminDateWidget(format="%Y-%m-%d") for name in ("valid_from", "valid_to")}

    def clean_contract_id(self) -> str:
        return printable(self.cleaned_data["contract_id"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        point, dso, agr = (given.get(name) for name in ("congestion_point", "dso", "agr"))
        if point is not None and dso is not None and point.dso_id != dso.pk:
            self.add_error("dso", f"The DSO of {point} is {point.dso}.")
        if point is not None and agr is not None and not point.agrs.filter(pk=agr.pk).exists():
            self.add_error("agr", f"{agr} is no AGR of {point}: add it there first.")
        begin, end = given.get("valid_from"), given.get("valid_to")
        if begin is not None and end is not None and end < begin:
            self.add_error("valid_to", f"It ends before it begins, on {begin}.")
        return given


class WindowFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """ISP windows that the longest day of the contract's point has."""

    def clean(self) -> None:
        super().clean()
        point = (
            getattr(self.instance, "congestion_point", None) if self.instance.congestion_point_id else None
        )
        for form in self.forms:
            first, last = form.cleaned_data.get("first_isp"), form.cleaned_data.get("last_isp")
            if first is None or last is None or form.cleaned_data.get("DELETE"):
                continue
            if not 1 <= first <= last:
                form.add_error(
                    "last_isp", "A window counts from ISP 1, and its last ISP is not before its first."
                )
            elif point is not None and last > (most := LONGEST_DAY // point.isp_duration):
                form.add_error("last_isp", f"The longest day of {point} has the ISPs 1–{most}.")
