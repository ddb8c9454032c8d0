"""What the CSV files of both desks say of an offer and of an order; the other side's column has its role."""

from collections.abc import Callable
from typing import Any

from offers import formats
from offers.models import FlexOffer

from .rows import OfferRow, OrderRow

Columns = list[tuple[str, Callable[[Any], Any]]]


def _row(offer: FlexOffer) -> OfferRow:
    return OfferRow(offer, offer.created_at)


def _of_both(other: str) -> tuple[Columns, Columns]:
    """Where and with whom: what every trading record says, before and after its state."""
    place: Columns = [
        ("congestion_point", lambda row: row.congestion_point.entity_address),
        (other, lambda row: row.counterparty.domain),
        ("day", lambda row: row.period.isoformat()),
        ("state", lambda row: row.state),
    ]
    return place, [("reason", lambda row: row.reason)]


def of_offers(other: str) -> Columns:
    place, reason = _of_both(other)
    return [
        ("offer", str),
        ("message_id", lambda row: row.message.message_id if row.message else ""),
        ("request", lambda row: str(row.flex_request) if row.flex_request else ""),
        *place,
        ("delivery", lambda row: row.message.state if row.message else ""),
        ("expires_at", lambda row: formats.iso(row.expires_at) if row.expires_at else ""),
        ("options", lambda row: _row(row).letters),
        ("peak_w", lambda row: _row(row).peak_w),
        ("least_price", lambda row: (_row(row).prices or ("", ""))[0]),
        ("greatest_price", lambda row: (_row(row).prices or ("", ""))[1]),
        ("currency", lambda row: row.currency),
        *reason,
    ]


def of_orders(other: str, at: str) -> Columns:
    """`at`: what the instant is called at which the order was placed, or came in."""
    place, reason = _of_both(other)
    return [
        ("order", lambda row: row.order_reference),
        ("message_id", lambda row: row.message.message_id),
        ("offer", lambda row: str(row.flex_offer) if row.flex_offer else ""),
        ("option", lambda row: row.option_reference),
        *place,
        (at, lambda row: formats.iso(row.created_at)),
        ("activation_factor", lambda row: row.factor),
        ("price", lambda row: row.price),
        ("currency", lambda row: row.currency),
        ("energy_wh", lambda row: row.energy_wh),
        ("peak_w", lambda row: OrderRow(row).peak_w),
        *reason,
    ]
