"""Our side in a process of its own: gunicorn, a worker loop, and a market of two, on a database of its own.

Is told what to do by JSON lines on its standard input, and answers each by one on its standard output.
Every verb is a call of the same services as a page makes; the worker and the web server are the real ones.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import close_old_connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from offers import models  # noqa: E402
from offers.services import gateway, keys, trading  # noqa: E402
from offers.transport import MESSAGE_PATH  # noqa: E402
from tests import ready  # noqa: E402

POINT = "ea1.2026-01.example.demo:station-west"
LOOP_SECONDS = 0.1


class Ours:
    """The hosted participant, its counterparty, and the verbs that a test may ask for."""

    def start(self, who: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        ready.fill()
        self.me = models.Participant.objects.create(
            domain=who["domain"], role=who["role"], name="Ours", hosted=True
        )
        self.other = models.Participant.objects.create(
            domain=who["counterparty"],
            role="DSO" if who["role"] == "AGR" else "AGR",
            name="Official library",
            endpoint=who["counterparty_endpoint"],
            version=who["version"],
        )
        key = keys.add_signing_key(self.me, now - timedelta(days=1))
        keys.add_public_key(self.other, who["counterparty_key"], now - timedelta(days=1))
        self.user = User.objects.create_user("trader")
        dso, agr = (self.me, self.other) if who["role"] == "DSO" else (self.other, self.me)
        self.point = models.CongestionPoint.objects.create(entity_address=POINT, name="Station West", dso=dso)
        self.point.agrs.add(agr)
        return {"key": key.public}

    def request(self, period: str, draft: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        rows = trading.draft_requests(self.me, self.point, date.fromisoformat(period), draft, self.user, now)
        return {"pk": trading.send_requests(self.me, rows[0].group, self.user, now)[0].pk}

    def offer(self, period: str, draft: dict[str, Any], request: int | None = None) -> dict[str, Any]:
        now = timezone.now()
        asked = models.FlexRequest.objects.get(pk=request) if request else None
        row = trading.draft_offer(
            self.me, self.point, self.other, date.fromisoformat(period), draft, self.user, now, request=asked
        )
        return {"pk": trading.send_offer(self.me, row.pk, self.user, now).pk}

    def revoke(self, offer: int) -> dict[str, Any]:
        return {"pk": trading.revoke(self.me, offer, self.user, timezone.now()).pk}

    def order(self, offer: int, option: str, factor: str) -> dict[str, Any]:
        now = timezone.now()
        return {"pk": trading.order(self.me, offer, option, Decimal(factor), self.user, now).pk}

    def test(self) -> dict[str, Any]:
        return {"pk": trading.send_test(self.me, self.other, timezone.now()).pk}

    def look(self) -> dict[str, Any]:
        """Everything that a test may want to know, read from the database."""
        return {
            "messages": list(
                models.Message.objects.order_by("pk").values(
                    "pk",
                    "direction",
                    "type",
                    "version",
                    "state",
                    "answer",
                    "answer_reason",
                    "error",
                    "message_id",
                )
            ),
            "requests": list(models.FlexRequest.objects.order_by("pk").values("pk", "state", "isps")),
            "offers": list(models.FlexOffer.objects.order_by("pk").values("pk", "state", "reason")),
            "orders": list(
                models.FlexOrder.objects.order_by("pk").values(
                    "pk", "state", "reason", "option_reference", "activation_factor", "price", "energy_wh"
                )
            ),
            "refusals": list(models.Refusal.objects.order_by("pk").values("status", "sender", "text")),
        }


def work(clock: Callable[[], datetime], stop: threading.Event) -> None:
    """What the Celery tasks do, as often as beat would at most wish."""
    jitter = random.Random(0)
    while not stop.wait(LOOP_SECONDS):
        close_old_connections()
        gateway.process(clock)
        gateway.deliver(clock, jitter)
        gateway.expire(clock)


def serve(port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gunicorn", "flexportal.wsgi", "--bind", f"127.0.0.1:{port}"]
    options = ["--threads", "4", "--workers", "2", "--graceful-timeout", "1", "--log-level", "warning"]
    return subprocess.Popen([*command, *options], stdout=sys.stderr)


def wait_until_open(port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("gunicorn did not start")


def obey(ours: Ours, order: dict[str, Any]) -> dict[str, Any]:
    verb = order.pop("verb")
    try:
        return getattr(ours, verb)(**order)
    except trading.Refused as error:
        return {"refused": [[reason.field, reason.text] for reason in error.reasons]}
    except ValueError as error:  # an illegal move
        return {"illegal": str(error)}


def main(side: type[Ours] = Ours) -> None:
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    who = json.loads(sys.stdin.readline())
    ours = side()
    started = ours.start(who)
    web, stop = serve(who["port"]), threading.Event()
    worker = threading.Thread(target=work, args=(timezone.now, stop))
    try:
        wait_until_open(who["port"])
        worker.start()
        endpoint = f"http://127.0.0.1:{who['port']}{MESSAGE_PATH}"
        channel.write(json.dumps({"ready": True, "endpoint": endpoint, **started}) + "\n")
        for line in sys.stdin:
            channel.write(json.dumps(obey(ours, json.loads(line)), default=str) + "\n")
    finally:
        stop.set()
        web.send_signal(signal.SIGTERM)
        web.wait(5)
    worker.join(10)


if __name__ == "__main__":
    assert settings.LOCAL_MARKET, "the official library listens on this machine only"
    main()
