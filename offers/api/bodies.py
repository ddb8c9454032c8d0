"""What may be asked for: the names in a body. What a draft says is judged by the services, cell by cell."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from offers.services import drafts

from .read import OfferDraftJSON, RequestDraftJSON

WORDS_OF_FACTOR = "Give a factor from 0.01 to 1.00 with two decimals, such as “0.40”."
NO_FIELD = "There is no field of this name; there are {names}."


class OffsetField(serializers.DateTimeField):
    """An instant; a time without an offset could be meant in several zones, and is refused."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            raise serializers.ValidationError("Give the offset from UTC, too: 2026-03-02T14:00:00+01:00.")
        if value.year not in drafts.YEARS:
            raise serializers.ValidationError("Give an instant of this age: 2026-03-02T14:00:00+01:00.")
        return super().enforce_timezone(value)


class DayField(serializers.DateField):
    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if day.year not in drafts.YEARS:
            raise serializers.ValidationError("Give a day of this age, such as 2026-03-03.")
        return day


class FactorField(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        names = ("invalid", "max_digits", "max_decimal_places", "max_whole_digits", "max_string_length")
        messages: Any = dict.fromkeys(names, WORDS_OF_FACTOR)
        super().__init__(max_digits=3, decimal_places=2, error_messages=messages, **kwargs)


class Target(serializers.Serializer[Any]):
    """What an offer is for: a request, or (unsolicited) a congestion point and a day."""

    flex_request = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    congestion_point = serializers.CharField(required=False, max_length=255, help_text="Its entity address.")
    period = DayField(required=False)


class NewOffer(OfferDraftJSON, Target):
    """A draft, and what it is for: `flex_request`, or `congestion_point` and `period`."""


class Need(serializers.Serializer[Any]):
    """Where and when flexibility is needed, and whom to ask."""

    congestion_point = serializers.CharField(max_length=255, help_text="Its entity address.")
    period = DayField()
    recipients = serializers.ListField(
        child=serializers.CharField(max_length=253),
        required=False,
        allow_empty=False,
        max_length=500,
        help_text="Domains of AGRs; all that are active at the point when it is left out.",
    )


class NewRequests(RequestDraftJSON, Need):
    """A draft, and where, when and whom it asks."""


class Changes(Need):
    """Another day or other recipients; what is left out stays."""

    congestion_point = None  # type: ignore[assignment]
    period = DayField(required=False)


class ChangedRequests(RequestDraftJSON, Changes):
    """The draft as it is to be from now on; `period` and `recipients` stay when they are left out."""


class SendAt(serializers.Serializer[Any]):
    at = OffsetField(allow_null=True, help_text="When to send; null: not by itself.")


class Rejection(serializers.Serializer[Any]):
    reason = serializers.CharField(allow_blank=True, max_length=1000, help_text="One sentence for the AGR.")


class Ordered(serializers.Serializer[Any]):
    option_reference = serializers.CharField(max_length=1000)
    activation_factor = FactorField(default=Decimal("1.00"))
    order_reference = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=255, help_text="Made when it is left out."
    )


class Nothing(serializers.Serializer[Any]):
    """A body of which everything is left to the services."""


class Recipient(serializers.Serializer[Any]):
    recipient = serializers.CharField(max_length=260, help_text="Domain and role: agr.peer.example/AGR.")


def read(
    shape: type[serializers.Serializer[Any]], data: Mapping[str, Any], words: tuple[str, ...] = ()
) -> Any:
    """The values of a body. `words` are left to the services; any other name is refused, because a
    misspelt one that is passed over would lose what was meant by it."""
    serializer = shape(data=data)
    wrong: dict[str, Any] = {} if serializer.is_valid() else dict(serializer.errors)
    known = [*serializer.fields, *words]
    text = NO_FIELD.format(names=", ".join(known))
    wrong |= {name: [text] for name in data if name not in known}
    if wrong:
        raise serializers.ValidationError(wrong)
    return serializer.validated_data


def only(data: Mapping[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    return {word: data[word] for word in words if word in data}
