"""How much waits for somebody, for the badge in the navigation: one query that an index answers."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from offers.domain import OfferState
from offers.models import FlexOffer, FlexRequest, MessageState, Participant, Role

MOST = 100  # beyond that the exact number helps nobody, and counting costs
STANDING = (OfferState.SENT, OfferState.ACCEPTED, OfferState.ORDERING, OfferState.ORDERED)


def unanswered(agr: Participant, now: datetime) -> Any:
    """Open requests on which nothing of ours stands."""
    answers = FlexOffer.objects.filter(flex_request=OuterRef("pk"), state__in=STANDING)
    return FlexRequest.objects.of(agr).open_at(now).filter(~Exists(answers))


def unreviewed(dso: Participant, now: datetime) -> Any:
    """Offers that wait for staff."""
    waiting = {"state": OfferState.SENT, "message__state": MessageState.PENDING, "expires_at__gt": now}
    return FlexOffer.objects.of(dso).filter(**waiting)


WAITING = {Role.AGR: ("r", unanswered), Role.DSO: ("o", unreviewed)}


def waiting(participant: Participant, now: datetime) -> tuple[str, str]:
    """The key of the entry under which something waits, and how much: nothing, 3, or 99+."""
    key, rows = WAITING[Role(participant.role)]
    found = rows(participant, now).order_by()[:MOST].count()
    return key, f"{MOST - 1}+" if found == MOST else str(found or "")
