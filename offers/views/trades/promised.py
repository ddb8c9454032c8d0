"""What an order promises: drawn like its option, per ISP, and as a schedule for a machine."""

from collections.abc import Iterable
from datetime import date
from operator import itemgetter
from typing import Any

from django.http import StreamingHttpResponse

from offers import formats
from offers.models import FlexOrder
from offers.views import lists

from . import position
from .options import OptionView
from .rows import OrderRow

SCHEDULE = ["order", "congestion_point", "day", "local", "utc", "isp", "power_w"]


def schedule_csv(orders: Iterable[FlexOrder], filename: str) -> StreamingHttpResponse:
    """One line per ISP: local time, UTC, ISP number, power in watts."""
    lines: Any = position.schedule(orders)
    return lists.csv_of(lines, [(name, itemgetter(name)) for name in SCHEDULE], filename)


def as_option(row: OrderRow) -> OptionView:
    """The order drawn like the option that it takes, in the option's own dash and letter."""
    order = row.order
    index = order.option.position if order.option is not None else 0
    return OptionView(
        index,
        row.option,
        order.price,
        order.factor,
        row.powers,
        row.along_wh,
        row.per_mwh,
        None,
        need=row.need,
    )


def lines_of(row: OrderRow, day: date) -> list[dict[str, Any]]:
    """What is to be done in each ISP."""
    point = row.order.congestion_point
    zone, minutes = point.time_zone, row.minutes
    hours = row.order.congestion_point.isp_duration.total_seconds() / 3600
    return [
        {
            "n": n,
            "local": formats.isp_hours(day, n, n, zone, minutes),
            "utc": formats.clock(formats.isp_start(day, n, zone, minutes), "UTC"),
            "power": power,
            "kwh": formats.signed(power * hours / 1000, 1),
        }
        for n, power in sorted(row.powers.items())
    ]
