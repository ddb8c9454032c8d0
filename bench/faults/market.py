"""The market of a fault run, as two installations know it: one is the DSO, the other its aggregator."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from offers import models, uftp
from offers.services import keys

from .introductions import DOMAINS, OTHER, POINTS, Introduction, address


@transaction.atomic
def assemble(intro: Introduction, now: datetime) -> None:
    """Fill an empty database with the participants, their keys, the points and a user."""
    since = now - timedelta(days=1)
    me = _participant(intro.role, hosted=True)
    other = _participant(OTHER[intro.role], hosted=False, endpoint=intro.other_endpoint)
    keys.add_signing_key(me, since, intro.secret)
    keys.add_public_key(other, uftp.seal.to_cs1(intro.other_public), since)
    user = User.objects.create(username="program")
    models.Membership.objects.create(user=user, participant=me, right=models.Right.TRADE)
    dso, agr = (me, other) if intro.role == "DSO" else (other, me)
    for number in range(min(intro.conversations, POINTS)):
        point = models.CongestionPoint.objects.create(
            entity_address=address(number),
            name=f"Point {number}",
            dso=dso,
            answers_automatically=intro.automatic,
        )
        point.agrs.add(agr)


def _participant(role: str, **fields: Any) -> models.Participant:
    return models.Participant.objects.create(domain=DOMAINS[role], role=role, name=role, **fields)


@transaction.atomic
def know(said: dict[str, Any], now: datetime) -> None:
    """Another participant: a counterparty with its key and endpoint, or one of ours; at every point."""
    row = models.Participant.objects.create(
        domain=said["domain"],
        role=said["role"],
        name=said["domain"],
        hosted="public" not in said,
        endpoint=said.get("endpoint", ""),
    )
    since = now - timedelta(days=1)
    if row.hosted:
        keys.add_signing_key(row, since)
    else:
        keys.add_public_key(row, uftp.seal.to_cs1(bytes.fromhex(said["public"])), since)
    for point in models.CongestionPoint.objects.all() if row.role == "AGR" else ():
        point.agrs.add(row)
