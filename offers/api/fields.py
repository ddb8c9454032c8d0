"""How values are written: amounts and factors as strings, power in watts, instants with their offset."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from offers.models import Participant
from offers.uftp.currencies import decimal_text


@extend_schema_field(
    {"type": "string", "example": "101.40", "description": "An amount of money, exact: up to four decimals."}
)
class Amount(serializers.Field[Decimal, Any, str, Any]):
    def to_representation(self, value: Decimal) -> str:
        return decimal_text(value, 2)


@extend_schema_field(
    {"type": "string", "example": "0.40", "description": "A factor from 0.01 to 1.00, two decimals."}
)
class Factor(serializers.Field[int, Any, str, Any]):
    """Stored in hundredths."""

    def to_representation(self, value: int) -> str:
        return f"{Decimal(value).scaleb(-2):.2f}"


class Watts(serializers.IntegerField):
    """Whole watts; minus means less consumption or more production."""


class Segment(serializers.Serializer[Any]):
    """Power in `duration` ISPs from ISP number `start` on."""

    start = serializers.IntegerField(help_text="Number of the first ISP, from 1.")
    duration = serializers.IntegerField(default=1, help_text="Number of ISPs.")
    power = Watts(help_text="Watts; minus = less consumption or more production.")


class Band(serializers.Serializer[Any]):
    """What is asked for, or would be accepted, in `duration` ISPs from ISP number `start` on."""

    start = serializers.IntegerField(help_text="Number of the first ISP, from 1.")
    duration = serializers.IntegerField(default=1, help_text="Number of ISPs.")
    disposition = serializers.ChoiceField(choices=["Available", "Requested"])
    min_power = Watts(help_text="Watts.")
    max_power = Watts(help_text="Watts.")


class Party(serializers.ModelSerializer[Participant]):
    """A participant of the market."""

    class Meta:
        model = Participant
        fields = ["domain", "role", "name"]
        read_only_fields = fields


class EntityAddress(serializers.SlugRelatedField[Any]):
    """A congestion point by its entity address, as on the wire."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="entity_address", read_only=True, **kwargs)
