"""What an AGR offers and takes back: the rules of FlexOffer (V29 to V34) and its revocation (V41, V42)."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from .. import isp
from ..errors import clipped
from ..messages import FlexOffer, FlexRequest
from .activation import v32_factor
from .context import Market, day_of, isp_lists, segments
from .day import check_day, v20_expiration, v21_contract, v22_baseline, v28_power, v33_currency, v33_price
from .reasons import Reason, at_most
from .references import v13_reference, v14_same_period, v15_not_expired
from .requests import requested


def v29_covers_request(offer: FlexOffer, request: FlexRequest | None) -> Iterator[Reason]:
    """V29: any one requested ISP in any option is enough, whatever the segments."""
    if request is None:
        return
    wanted = segments(requested(request))
    if wanted and not any(isp.overlap(segments(option.isps), wanted) for option in offer.options):
        numbers = isp.numbers(isp.covered(wanted))
        yield Reason("OfferOption", f"Request mismatch: none of the requested ISPs is offered: {numbers}")


def v30_mutex(offer: FlexOffer, market: Market | None) -> Iterator[Reason]:
    """V30: more than one option only where the point supports mutually exclusive ones."""
    if market is not None and not market.mutex_offers_supported and len(offer.options) > 1:
        given = len(offer.options)
        yield Reason(
            "OfferOption", f"No MutEx offer support: {given} options, at most 1 at this congestion point"
        )


def v31_baseline(offer: FlexOffer, market: Market | None) -> Iterator[Reason]:
    """V31, where the market demands that the offer says what it deviates from."""
    given = offer.d_prognosis_message_id or offer.baseline_reference
    if market is not None and market.baseline_required and not given:
        yield Reason("BaselineReference", "No baseline: D-PrognosisMessageID or BaselineReference is needed")


def v34_unsolicited_offer(offer: FlexOffer) -> Iterator[Reason]:
    """V34: if it is given at all, which is not before 3.1.0, it tells whether there is a request."""
    if offer.unsolicited is not None and offer.unsolicited != (offer.flex_request_message_id is None):
        text = "FlexRequestMessageID must be present if Unsolicited is false, and only then"
        yield Reason("FlexRequestMessageID", text)


def v38_unique_options(offer: FlexOffer) -> Iterator[Reason]:
    """Nothing else can tell an order which option is meant (V38)."""
    names = Counter(option.option_reference for option in offer.options)
    found = (
        Reason(
            "OfferOption", f"OptionReference conflict: {clipped(name)} names {n} options, each needs its own"
        )
        for name, n in names.items()
        if n > 1
    )
    return at_most(found, "OptionReference conflict")


def _options(offer: FlexOffer) -> Iterator[Reason]:
    for number, option in enumerate(offer.options, start=1):
        label = f" of option {clipped(option.option_reference)}"
        yield from v33_price(f"OfferOption[{number}].Price", option.price, label)
        yield from v32_factor(
            f"OfferOption[{number}].MinActivationFactor", option.min_activation_factor, label
        )


def _no_option(offer: FlexOffer) -> Iterator[Reason]:
    if not offer.options:
        yield Reason("OfferOption", "ISPs out of bounds: the offer has no option, at least one is needed")


def check_offer(
    offer: FlexOffer, market: Market | None, now: datetime, request: FlexRequest | None, request_known: bool
) -> list[Reason]:
    """All reasons to refuse a FlexOffer. `request` is the FlexRequest that it names, if it is known;
    an unsolicited offer has none. `now` is the moment of receipt (D3)."""
    day = day_of(offer)
    name = "FlexRequestMessageID"
    return [
        *check_day(offer, market, day, now),
        *_no_option(offer),
        *v20_expiration(offer.expiration_date_time, isp_lists(offer), day, now),
        *v13_reference(name, offer.flex_request_message_id, request_known),
        *v14_same_period(offer, request),
        *v15_not_expired(name, request, now, day),
        *v21_contract(offer, market),
        *v22_baseline(offer, market),
        *v28_power(isp_lists(offer), market),
        *v29_covers_request(offer, request),
        *v30_mutex(offer, market),
        *v31_baseline(offer, market),
        *v33_currency(offer.currency, market),
        *at_most(_options(offer), "Price or MinActivationFactor rejected"),
        *v34_unsolicited_offer(offer),
        *v38_unique_options(offer),
    ]


def v41_not_ordered(ordered: bool) -> Iterator[Reason]:
    """V41, D16: `ordered` means that the order was accepted; an unanswered order loses."""
    if ordered:
        yield Reason("FlexOfferMessageID", "Flexibility procured: the offer is ordered and cannot be revoked")


def check_revocation(
    offer_known: bool, ordered: bool, by_sender: bool = True, message_id: str = ""
) -> list[Reason]:
    """V13, V41 and V42. An offer of somebody else is as unknown as none."""
    if not (offer_known and by_sender):
        text = f"Unknown reference FlexOfferMessageID: no offer {message_id}".rstrip() + " of this sender"
        return [Reason("FlexOfferMessageID", text)]
    return list(v41_not_ordered(ordered))
