"""The portal that G28 attacks: it hosts both roles, and something stands open for every message of either.

A program that `g28` starts and talks to, as the interop tests do with `ours.py`. What it sends goes nowhere.
"""

import base64
from collections import Counter
from dataclasses import astuple
from datetime import datetime
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from offers import models, uftp  # noqa: E402
from offers.services import keys  # noqa: E402
from tests import cast, ready  # noqa: E402
from tests.attack.market import Desks, seed  # noqa: E402
from tests.interop import ours  # noqa: E402


class Both(ours.Ours):
    def start(self, who: dict[str, Any]) -> dict[str, Any]:
        ready.fill()
        with transaction.atomic():  # one commit instead of a thousand
            return self._start(who, timezone.now())

    def _start(self, who: dict[str, Any], now: datetime) -> dict[str, Any]:
        sides = {role: cast.participant(who[role], role, role, now) for role in ("AGR", "DSO")}
        models.Participant.objects.update(endpoint=who["nowhere"])
        point = models.CongestionPoint.objects.create(
            entity_address=ours.POINT, name="Station West", dso=sides["DSO"]
        )
        point.agrs.add(sides["AGR"])
        desks = Desks(sides["AGR"], sides["DSO"], point, User.objects.create_user("trader"), now)
        fits = seed(desks, who["times"])
        self.last = models.Message.objects.latest("pk").pk
        self.open = list(
            models.Message.objects.filter(direction="out", answer="").values_list("pk", flat=True)
        )
        return {
            "fits": {name: [astuple(fit) for fit in found] for name, found in fits.items()},
            "secrets": {
                role: base64.b64encode(keys.signing_key(one, now)[1]).decode() for role, one in sides.items()
            },
        }

    def tally(self) -> dict[str, Any]:
        """What became of the messages that came in, and of which of ours were answered by one."""
        came = models.Message.objects.filter(direction="in", pk__gt=self.last)
        asked = models.Message.objects.filter(pk__in=self.open).exclude(answer="")
        noted = {uftp.CATALOGUE[name].response_type for name in asked.values_list("type", flat=True)}
        return {
            "states": Counter(came.values_list("state", flat=True)),
            "broke": came.filter(attempts__gt=0).count(),
            "accepted": Counter(came.filter(state="accepted").values_list("type", flat=True)),
            "noted": sorted(kind.XML_NAME for kind in noted if kind is not None),
        }


if __name__ == "__main__":
    ours.main(Both)
