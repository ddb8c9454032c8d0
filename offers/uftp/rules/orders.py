"""What a DSO orders: the rules of FlexOrder (V16, V34 to V40)."""

from collections.abc import Iterator
from datetime import datetime

from ..fields import wire_version
from ..messages import FlexOffer, FlexOrder
from .activation import Match, chosen_option, match_order, v32_factor, v39_min_factor
from .context import Market, day_of
from .day import check_day, v21_contract, v22_baseline, v33_currency, v33_price
from .reasons import Reason
from .references import v13_reference, v14_same_period, v15_not_expired


def v16_not_revoked(offer_state: str) -> Iterator[Reason]:
    """V16, D16: a revocation has priority over an order that crosses it."""
    if offer_state == "revoked":
        yield Reason(
            "FlexOfferMessageID", "Reference message revoked: the offer was revoked before the order"
        )


def v40_not_ordered(offer_state: str) -> Iterator[Reason]:
    """V40, D17: an offer is ordered once."""
    if offer_state == "ordered":
        yield Reason("FlexOfferMessageID", "Flexibility already ordered: an offer can be ordered once")


def v40_not_rejected(offer_state: str) -> Iterator[Reason]:
    """What was refused is not there to be ordered."""
    if offer_state == "rejected":
        yield Reason(
            "FlexOfferMessageID", "Reference message rejected: the offer was rejected by its recipient"
        )


def v34_unsolicited_order(order: FlexOrder) -> Iterator[Reason]:
    """V34, D15: an order without an offer says so, which is possible from 3.1.0; absent means solicited."""
    direct = order.flex_offer_message_id is None
    if direct and wire_version(order.version) == "3.0.0":
        text = "FlexOfferMessageID must be present under 3.0.0, which has no direct orders"
        yield Reason("FlexOfferMessageID", text)
    elif direct != bool(order.unsolicited):
        text = "FlexOfferMessageID must be present unless Unsolicited is true, and only then"
        yield Reason("FlexOfferMessageID", text)


def _against_offer(order: FlexOrder, offer: FlexOffer) -> Iterator[Reason]:
    """V35 to V39."""
    found = match_order(order, offer)
    if not isinstance(found, Match):
        yield from found
    option = chosen_option(order, offer)
    if option is not None:
        yield from v39_min_factor(order, option)


def check_order(
    order: FlexOrder, market: Market | None, now: datetime, offer: FlexOffer | None, offer_state: str
) -> list[Reason]:
    """All reasons to refuse a FlexOrder. `offer` is the FlexOffer that it names, if it is known, and
    `offer_state` what has become of it: "revoked", "ordered", "rejected" and "unknown" (or "draft") are
    reasons; whether it has expired is judged by its own deadline and `now`, the moment of receipt (D3)."""
    day = day_of(order)
    name = "FlexOfferMessageID"
    known = offer is not None and offer_state not in ("unknown", "draft")
    factor = list(v32_factor("ActivationFactor", order.activation_factor))
    return [
        *v34_unsolicited_order(order),
        *check_day(order, market, day, now),
        *v13_reference(name, order.flex_offer_message_id, known),
        *v14_same_period(order, offer),
        *v15_not_expired(name, offer, now, day),
        *v16_not_revoked(offer_state),
        *v40_not_ordered(offer_state),
        *v40_not_rejected(offer_state),
        *v21_contract(order, market),
        *v22_baseline(order, market),
        *v33_currency(order.currency, market),
        *v33_price("Price", order.price),
        *factor,
        *(_against_offer(order, offer) if offer is not None and not factor else ()),
    ]
