"""The timeline of an offer or an order as the DSO sees it: what came in, what we said, what was delivered."""

from offers.models import FlexOffer, FlexOrder
from offers.views.trades.timeline import TITLES, Entry, answers_to, entries

OFFER_TITLES = {
    **TITLES,
    "accept": "Accepted by us",
    "reject": "Rejected by us",
    "revoke": "Revoked by the aggregator",
    "place": "Order sent",
    "order": "Order accepted: binding",
    "order rejected": "Order came to nothing",
}
ORDER_TITLES = {
    **TITLES,
    "place": "Signed and queued",
    "accept": "Accepted by the aggregator: binding",
    "reject": "Rejected by the aggregator",
    "revoke": "The aggregator's revocation came first",
}


def of_offer(offer: FlexOffer) -> list[Entry]:
    return entries(offer, OFFER_TITLES, {}, {pk: "Answer" for pk in answers_to(offer.message_id)})


def of_order(order: FlexOrder) -> list[Entry]:
    return entries(order, ORDER_TITLES, {"place": order.message_id}, {order.message_id: "Order"})
