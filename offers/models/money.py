"""Money as an integer of 1/10,000 currency unit in the database and a Decimal in Python."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst

SCALE = 4
UNIT = Decimal(1).scaleb(-SCALE)
LIMIT = Decimal(10) ** 11


def to_units(amount: Decimal) -> int:
    """1/10,000 units of `amount`; ValueError when it has more than four decimals or is out of range."""
    units = amount.scaleb(SCALE)
    if not amount.is_finite() or abs(amount) > LIMIT or units != units.to_integral_value():
        raise ValueError(f"{amount} is no amount of money: at most four decimals, within ±{LIMIT:,}")
    return int(units)


if TYPE_CHECKING:
    Base = models.BigIntegerField[Decimal | int, Decimal]
else:
    Base = models.BigIntegerField


class MoneyField(Base):
    """SQLite keeps decimals as floating point and loses digits; an integer is exact everywhere."""

    description = "An amount of money with four decimals"

    def from_db_value(self, value: int | None, *args: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-SCALE)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except ArithmeticError as error:
            raise ValidationError(f"“{value}” is no amount of money: write 12.50") from error

    def get_prep_value(self, value: Any) -> int | None:
        amount = self.to_python(value)
        return None if amount is None else to_units(amount)

    def clean(self, value: Any, model_instance: models.Model | None) -> Decimal | None:
        amount = self.to_python(value)
        if amount is not None:
            try:
                to_units(amount)
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return amount

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        return forms.DecimalField(
            max_digits=15,
            decimal_places=SCALE,
            required=not self.blank,
            label=kwargs.get("label") or capfirst(self.verbose_name),
            help_text=kwargs.get("help_text", self.help_text),
        )
