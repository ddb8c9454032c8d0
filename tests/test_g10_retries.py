"""G10, G12: when a message is tried again, for how long, and always the same bytes; on a compressed clock."""

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from offers import domain, transport, uftp
from offers.domain import Outcome, Verdict
from offers.models import Attempt, Message
from offers.services import gateway, inbox, keys, knocking, outbox, recovery, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

DELIVERED = Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)
DOWN = Outcome(Verdict.TEMPORARY, "no connection: refused")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class World:
    """A clock that jumps to whatever is due next, and a counterparty that is down until a moment."""

    def __init__(self, now: datetime, back_at: datetime | None) -> None:
        self.now, self.back_at = now, back_at
        self.outcome = DOWN
        self.sent: list[tuple[datetime, str]] = []
        self.knocks: list[datetime] = []

    def post(self, endpoint: str, envelope: bytes, **options: bool) -> Outcome:
        self.sent.append((self.now, hashlib.sha256(envelope).hexdigest()))
        return DELIVERED if self.back_at is not None and self.now >= self.back_at else self.outcome

    def opens(self, endpoint: str, **options: bool) -> bool:
        self.knocks.append(self.now)
        return self.back_at is not None and self.now >= self.back_at

    def deliver(self) -> None:
        gateway.deliver(lambda: self.now, random.Random(self.now.timestamp()))

    def run(self, until: datetime) -> None:
        """Deliver at every moment at which something is due."""
        while self.now <= until:
            self.deliver()
            later = (
                Message.objects.queued().order_by("next_attempt_at").values_list("next_attempt_at", flat=True)
            )
            self.now = max(later.first() or until + SECOND, self.now + SECOND)
        self.now = until

    def sweep(self, until: datetime, every: timedelta = 5 * SECOND) -> None:
        """Deliver as beat rings."""
        while self.now <= until:
            self.deliver()
            self.now += every

    def at(self) -> list[datetime]:
        return [when for when, _ in self.sent]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    def make(back_after: timedelta | None = None) -> World:
        made = World(NOON, None if back_after is None else NOON + back_after)
        monkeypatch.setattr(transport, "post", made.post)
        monkeypatch.setattr(transport, "opens", made.opens)
        return made

    yield make


def a_test(everybody: Cast, now: datetime = NOON) -> Message:
    return trading.send_test(everybody.agr, everybody.dso, now)


def test_g10_the_waits_grow_and_fifteen_attempts_last_a_day(
    everybody: Cast, world: Callable[..., World]
) -> None:
    row, down = a_test(everybody), world()
    down.run(NOON + 25 * HOUR)
    row.refresh_from_db()
    gaps = [later - earlier for earlier, later in pairwise(down.at())]
    print(f"attempts {len(down.sent)}, the last {down.at()[-1] - NOON} after the first")
    assert all(later >= earlier for earlier, later in pairwise(gaps))
    assert all(
        1.1 * base <= gap <= 1.3 * base + SECOND for gap, base in zip(gaps, domain.BACKOFF, strict=True)
    )
    assert len(down.sent) == domain.MOST_ATTEMPTS == 15
    assert 18 * HOUR < down.at()[-1] - NOON < 24 * HOUR
    assert (row.state, row.error[:26]) == ("failed", "not delivered within a day")


def test_g10_no_jitter_makes_a_wait_shorter_than_the_last_or_a_sixteenth_attempt() -> None:
    least, most = domain.JITTER
    assert all(most * earlier <= least * later for earlier, later in pairwise(domain.BACKOFF))
    assert sum(domain.BACKOFF, timedelta()) * most < domain.RETRY_WINDOW
    assert (sum(domain.BACKOFF, timedelta()) + domain.BACKOFF[-1]) * least > domain.RETRY_WINDOW


def test_g10_every_wait_differs_from_message_to_message() -> None:
    for failures in range(1, domain.MOST_ATTEMPTS + 3):
        waits = {domain.retry_delay(failures, random.Random(seed)) for seed in range(50)}
        base = domain.BACKOFF[min(failures, len(domain.BACKOFF)) - 1]
        assert len(waits) > 40 and 1.1 * base <= min(waits) < max(waits) <= 1.3 * base


def test_g10_what_staff_send_again_is_tried_again_soon(everybody: Cast, world: Callable[..., World]) -> None:
    row, down = a_test(everybody), world()
    down.run(NOON + 25 * HOUR)
    row.refresh_from_db()
    tries = len(down.sent)
    outbox.send_again(row, down.now)
    down.run(down.now + 2 * MINUTE)
    assert len(down.sent) - tries == 4  # 0, 5, 20 and 65 s


def test_g10_nothing_goes_out_after_its_expiry(everybody: Cast, world: Callable[..., World]) -> None:
    request, down = cast.send_request(everybody, valid_for=2 * HOUR), world(2 * HOUR)
    down.run(NOON + 3 * HOUR)
    assert max(down.at()) < NOON + 2 * HOUR
    assert cast.message_of(type(request).objects.get(pk=request.pk)).state == "expired"


def test_g10_a_wish_to_wait_is_heard(everybody: Cast, world: Callable[..., World]) -> None:
    a_test(everybody)
    busy = world()
    busy.outcome = Outcome(Verdict.TEMPORARY, "HTTP 503", status=503, retry_after=17 * MINUTE)
    busy.run(NOON + HOUR)
    first, second = busy.at()[:2]
    assert second - first >= 17 * MINUTE


OUTAGE = 70 * MINUTE


def queue_during_the_outage(everybody: Cast, down: World) -> None:
    """Ten conversations, begun at different times of it."""
    for _ in range(10):
        a_test(everybody, down.now)
        down.run(down.now + 6 * MINUTE)
    down.run(NOON + OUTAGE)


def undelivered() -> int:
    return Message.objects.queued().count()


def test_g10_after_an_outage_of_70_minutes_all_is_delivered_within_a_minute_of_the_first_contact(
    everybody: Cast, world: Callable[..., World]
) -> None:
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    assert undelivered() == 10
    down.now += 10 * SECOND
    a_test(everybody, down.now)  # somebody sends something new
    down.run(down.now + MINUTE)
    print(f"lost {undelivered()}, recovered {Message.objects.filter(state='delivered').count()}")
    assert undelivered() == 0


def test_g10_after_an_outage_in_which_nobody_says_anything_all_is_delivered_within_a_minute(
    everybody: Cast, world: Callable[..., World]
) -> None:
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    down.sweep(NOON + OUTAGE + 61 * SECOND)
    assert undelivered() == 0
    assert all(count <= domain.MOST_ATTEMPTS for count in Message.objects.values_list("attempts", flat=True))


def test_g10_however_many_wait_all_of_them_are_due_when_it_is_back(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "CHUNK", 3)
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    down.now += 10 * SECOND
    assert recovery.is_back(everybody.dso, down.now) == 10


def test_g10_it_is_knocked_now_and_then_however_often_one_looks(
    everybody: Cast, world: Callable[..., World]
) -> None:
    down = world()
    a_test(everybody)
    down.sweep(NOON + HOUR)
    assert 60 <= len(down.knocks) <= 80
    assert all(later - earlier >= knocking.EVERY for earlier, later in pairwise(down.knocks))


def test_g10_control_who_never_knocks_leaves_them_to_their_waits(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knocking, "knock", lambda clock: False)
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    down.sweep(NOON + OUTAGE + 61 * SECOND)
    assert undelivered() > 0


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Verdict.TEMPORARY, "no answer in time; it may have arrived", unknown=True),
        Outcome(Verdict.TEMPORARY, "HTTP 502 Bad Gateway", status=502, unknown=True),
        Outcome(Verdict.TEMPORARY, "HTTP 503 Service Unavailable", status=503),
    ],
)
def test_g10_who_takes_a_connection_and_nothing_more_is_not_tried_more_often(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    down = world()
    down.outcome = outcome
    monkeypatch.setattr(transport, "opens", lambda endpoint, **options: True)
    a_test(everybody)
    down.sweep(NOON + 6 * HOUR, MINUTE)
    assert len(down.sent) <= 12


def test_g10_after_an_outage_what_it_says_is_a_contact_as_well(
    everybody: Cast, world: Callable[..., World]
) -> None:
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    down.now += 2 * MINUTE
    said = trading.send_test(everybody.dso, everybody.agr, down.now)
    inbox.receive(bytes(said.sealed or b""), "127.0.0.1", down.now)
    Message.objects.filter(pk=said.pk).delete()
    down.run(down.now + MINUTE)
    assert undelivered() == 0


def test_g10_control_without_that_the_messages_sit_out_their_waits(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "is_back", lambda *args: 0)
    down = world(OUTAGE + SECOND)
    queue_during_the_outage(everybody, down)
    down.now += 10 * SECOND
    a_test(everybody, down.now)
    down.run(down.now + MINUTE)
    assert undelivered() > 0


def test_g10_who_talks_but_does_not_listen_is_tried_once_a_minute_at_most(
    everybody: Cast, world: Callable[..., World]
) -> None:
    down = world()
    a_test(everybody)
    down.run(NOON + 2 * HOUR)
    tries = len(down.sent)
    for _ in range(120):
        recovery.was_heard(everybody.dso.pk, down.now)
        down.deliver()
        down.now += SECOND
    assert len(down.sent) - tries <= 3


def test_g10_one_that_always_fails_is_not_tried_after_each_that_arrives(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = bytes(a_test(everybody).sealed or b"")
    odd = world()
    odd.post = lambda endpoint, envelope, **options: (  # type: ignore[method-assign]
        odd.sent.append((odd.now, "poison" if envelope == poison else "")) or DOWN
        if envelope == poison
        else DELIVERED
    )
    monkeypatch.setattr(transport, "post", odd.post)
    for _ in range(60):
        a_test(everybody, odd.now)
        odd.deliver()
        odd.now += SECOND
    assert len(odd.sent) <= 5  # as its own waits say: 0, 5, 20, 50 s


# --- G12 --------------------------------------------------------------------------------------------------


def test_g12_every_attempt_of_a_message_sends_the_same_bytes(
    everybody: Cast, world: Callable[..., World]
) -> None:
    rows = {row.pk: row for row in (a_test(everybody), cast.send_request(everybody).message) if row}
    down = world()
    down.run(NOON + 25 * HOUR)
    sealed = {hashlib.sha256(bytes(row.sealed or b"")).hexdigest() for row in rows.values()}
    assert {digest for _, digest in down.sent} == sealed
    assert len(down.sent) == Attempt.objects.exclude(verdict="permanent").count() > 20


def test_g12_they_are_the_same_under_a_new_signing_key(everybody: Cast, world: Callable[..., World]) -> None:
    a_test(everybody)
    down = world()
    down.deliver()
    keys.change_over(everybody.agr, NOON + MINUTE, 24 * HOUR)
    down.run(NOON + HOUR)
    assert len({digest for _, digest in down.sent}) == 1


def test_g12_control_a_gateway_that_seals_at_each_attempt_sends_other_bytes(
    everybody: Cast, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    down, claim = world(), outbox.claim

    def sealed_anew(now: datetime, failing_too: bool = True) -> Message | None:
        row = claim(now, failing_too)
        if row is not None:
            payload = uftp.seal.payload_of(uftp.decode_envelope(bytes(row.sealed or b"")).body)
            body = uftp.seal.seal(payload, keys.signing_key(row.owner, now)[1])
            signed = uftp.SignedMessage(sender_domain=row.owner.domain, sender_role=row.owner.role, body=body)
            row.sealed = uftp.encode_envelope(signed)
        return row

    monkeypatch.setattr(outbox, "claim", sealed_anew)
    a_test(everybody)
    down.deliver()
    keys.change_over(everybody.agr, NOON + MINUTE, 24 * HOUR)
    down.run(NOON + HOUR)
    assert len({digest for _, digest in down.sent}) == 2
