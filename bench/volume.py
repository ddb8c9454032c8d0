"""A database as full as after years of trading, made by SQL in minutes: both sides of a market, hosted here.

Half of the offers belong to an aggregator and half to a grid operator; of each there are three options, four
messages, two events and, where it was ordered, an order. The last four hundred are open. Only PostgreSQL.
"""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from nacl.signing import SigningKey

from bench import wire
from offers import models
from offers.services import keys

OFFERS = 1_000_000
OPEN = 400
PARTNERS = 10
POINTS = 20
DAYS = 3 * 365
FILLED = (
    "message",
    "attempt",
    "flexrequest",
    "flexoffer",
    "offeroption",
    "flexorder",
    "event",
)


def fill(offers: int) -> None:
    """So many offers and all that belongs to them; the database was empty but migrated."""
    secret = _market()
    envelope = wire.written(wire.offer("1x1"), secret).hex()
    with connection.cursor() as cursor:
        indexes = _indexes(cursor)
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")  # no foreign key is looked up
        for statement in _statements(offers, envelope):
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = DEFAULT")
        for _, definition in indexes:
            cursor.execute(definition)
        for table in FILLED:
            name = f"offers_{table}"
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")
        cursor.execute("VACUUM ANALYZE")


def _indexes(cursor) -> list[tuple[str, str]]:
    """Those that no constraint needs: they are made again when the rows are there."""
    cursor.execute(
        """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN
        (SELECT conname FROM pg_constraint)""",
        [[f"offers_{table}" for table in FILLED]],
    )
    return cursor.fetchall()


@transaction.atomic
def _market() -> bytes:
    """Two hosted participants (ids 1 and 2), who trade with ten each at twenty points, and their people."""
    now = timezone.now()
    tenants = [_participant(n, role, True) for n, role in ((1, "AGR"), (2, "DSO"))]
    dsos = [_participant(10 + n, "DSO", False) for n in range(PARTNERS)]
    agrs = [_participant(30 + n, "AGR", False) for n in range(PARTNERS)]
    secret = bytes(SigningKey.generate()._signing_key)
    for tenant in tenants:
        keys.add_signing_key(tenant, now, secret)
        for name, right in (("trader", models.Right.TRADE), ("manager", models.Right.MANAGE)):
            user, _ = User.objects.get_or_create(username=name, is_staff=name == "manager")
            models.Membership.objects.create(user=user, participant=tenant, right=right)
    for n in range(POINTS):
        dso = tenants[1] if n % 2 else dsos[n // 2 % PARTNERS]
        point = models.CongestionPoint.objects.create(
            id=n + 1, entity_address=f"ea1.2026-01.example.bench:station-{n}", name=f"Station {n}", dso=dso
        )
        point.agrs.set(agrs if n % 2 else tenants[:1])
    return secret


def _participant(pk: int, role: str, hosted: bool) -> models.Participant:
    domain = f"p{pk}.bench.example"
    endpoint = "" if hosted else f"https://{domain}/"
    return models.Participant.objects.create(
        id=pk, domain=domain, role=role, name=f"Party {pk}", hosted=hosted, endpoint=endpoint
    )


# Of offer i: its owner, the other side, whether we sent it, where, when, and how it ended.
_FACTS = """
    DROP TABLE IF EXISTS fact; CREATE TEMPORARY TABLE fact AS
    SELECT i, 2 - i %% 2 AS owner, CASE i %% 2 WHEN 1 THEN 10 ELSE 30 END + (i / 2) %% {partners} AS other,
        i %% 2 = 1 AS ours, 1 + (i + 1) %% 2 + 2 * ((i / 2) %% {half}) AS point,
        now() - make_interval(secs => ({n} - i) * {step}) AS at,
        md5('c' || i)::uuid::text AS conversation,
        CASE WHEN i > {n} - {open} THEN CASE i %% 4 WHEN 0 THEN 'sent' ELSE 'accepted' END
            WHEN i %% 5000 < 2 THEN 'failed' WHEN i %% 20 < 8 THEN 'ordered' WHEN i %% 20 < 15 THEN 'expired'
            WHEN i %% 20 < 18 THEN 'revoked' ELSE 'rejected' END AS state,
        2 * ((i - 1) / 40) + 2 - i %% 2 AS request
    FROM generate_series(1, {n}) AS i"""

_REQUESTS = """
    INSERT INTO offers_message (id, owner_id, direction, counterparty_id, type, version, message_id, variant,
        conversation_id, sha256, key_used, peer_address, about, created_at, state, state_at, error, attempts,
        next_attempt_at, lease_token, unknown_outcome, wants_answer, answer, answer_reason)
    SELECT 4 * {n} + 10 + request, owner, CASE WHEN ours THEN 'in' ELSE 'out' END, min(other),
        'FlexRequest', '3.1.0', md5('r' || request)::uuid::text, '',
        md5('q' || request)::uuid::text, '', '', '',
        'R-' || request, min(at), CASE WHEN ours THEN 'accepted' ELSE 'delivered' END, min(at), '', 1,
        min(at), '', false, true, 'accepted', ''
    FROM fact GROUP BY request, owner, ours;
    INSERT INTO offers_flexrequest (id, owner_id, counterparty_id, congestion_point_id, period, version,
        state_at, reason, created_at, "group", message_id, state, revision, expires_at, service_type, isps,
        draft, forecast_w)
    SELECT request, owner, min(other), min(point), (min(at) + interval '1 day')::date, 1, min(at), '',
        min(at), md5('g' || request)::uuid, 4 * {n} + 10 + request,
        CASE WHEN max(i) > {n} - {open} THEN 'accepted' ELSE 'expired' END, 1,
        min(at) + interval '1 day', '', {segments}, '{{}}', '{{}}'
    FROM fact GROUP BY request, owner"""

_MESSAGES = """
    INSERT INTO offers_message (id, owner_id, direction, counterparty_id, type, version, message_id, variant,
        conversation_id, sealed, sha256, key_used, peer_address, about, created_at, received_at, state,
        state_at, error, attempts, next_attempt_at, lease_token, unknown_outcome, wants_answer, answer,
        answer_reason, answered_at, answers_id)
    SELECT 4 * i + k, owner, CASE WHEN sent THEN 'out' ELSE 'in' END, other, type, '3.1.0',
        md5('m' || i || '-' || k)::uuid::text, '', conversation,
        CASE WHEN i > {n} * 0.9 THEN decode('{envelope}', 'hex') END, md5('s' || i) || md5('t' || k), '', '',
        'O-' || i || ' Station ' || point - 1, at, CASE WHEN sent THEN NULL ELSE at END,
        CASE WHEN sent AND k = 0 AND state = 'failed' THEN 'failed' WHEN sent THEN 'delivered'
            WHEN k = 0 AND state = 'sent' THEN 'pending' WHEN i %% 100000 = 7 THEN 'parked'
            ELSE 'accepted' END, at, '', CASE WHEN sent THEN 1 ELSE 0 END, at, '', false, k %% 2 = 0,
        CASE WHEN k %% 2 = 0 AND NOT (i %% 50000 = 3) THEN 'accepted' ELSE '' END, '', at,
        CASE k %% 2 WHEN 1 THEN 4 * i + k - 1 END
    FROM (SELECT *, CASE k WHEN 0 THEN 'FlexOffer' WHEN 1 THEN 'FlexOfferResponse' WHEN 2 THEN
            CASE state WHEN 'ordered' THEN 'FlexOrder' ELSE 'FlexOfferRevocation' END ELSE
            CASE state WHEN 'ordered' THEN 'FlexOrderResponse' ELSE 'FlexOfferRevocationResponse' END
            END AS type,
            CASE WHEN k IN (0, 3) OR (k = 2 AND state <> 'ordered') THEN ours ELSE NOT ours END AS sent
        FROM fact CROSS JOIN generate_series(0, 3) AS k) AS each ORDER BY i, k"""

_ATTEMPTS = """
    INSERT INTO offers_attempt (id, message_id, number, started_at, ended_at, status, verdict, text)
    SELECT id, id, 1, created_at, created_at, 200, 'delivered', 'HTTP 200 OK' FROM offers_message
    WHERE direction = 'out'"""

_OFFERS = """
    INSERT INTO offers_flexoffer (id, owner_id, counterparty_id, congestion_point_id, period, version,
        state_at, reason, created_at, flex_request_id, message_id, state, expires_at, baseline_reference,
        d_prognosis_message_id, currency, draft)
    SELECT i, owner, other, point, (at + interval '1 day')::date, 2, at, '', at,
        CASE WHEN i %% 3 > 0 THEN request END, 4 * i, state,
        at + interval '6 hours' + interval '1 day' * (i > {n} - {open})::int, '', '', 'EUR', '{{}}'
    FROM fact ORDER BY i;
    INSERT INTO offers_offeroption (id, flex_offer_id, position, option_reference, price,
        min_activation_factor, isps, energy_wh, peak_w)
    SELECT 3 * i + k, i, k, 'option ' || chr(65 + k) || ' ' || i %% 1000, 100000 + i %% 1000000, 50,
        {segments}, -400000 - i %% 1000, -250000
    FROM fact CROSS JOIN generate_series(0, 2) AS k ORDER BY i, k"""

_ORDERS = """
    INSERT INTO offers_flexorder (id, owner_id, counterparty_id, congestion_point_id, period, version,
        state_at, reason, created_at, flex_offer_id, option_id, message_id, state, order_reference,
        option_reference, activation_factor, price, currency, isps, energy_wh, peak_w)
    SELECT i, owner, other, point, (at + interval '1 day')::date, 1, at, '', at, i, 3 * i, 4 * i + 2,
        'accepted', 'ORD-' || i, 'option A', 100, 100000, 'EUR', {segments}, -400000, -250000
    FROM fact WHERE state = 'ordered' ORDER BY i"""

_EVENTS = """
    INSERT INTO offers_event (id, owner_id, flex_offer_id, version, event, from_state, to_state, at, text)
    SELECT 2 * i + k, owner, i, k, CASE k WHEN 0 THEN 'send' ELSE 'accept' END,
        CASE k WHEN 0 THEN 'draft' ELSE 'sent' END, CASE k WHEN 0 THEN 'sent' ELSE 'accepted' END, at, ''
    FROM fact CROSS JOIN generate_series(0, 1) AS k ORDER BY i, k;
    INSERT INTO offers_refusal (at, status, sender, peer_address, text)
    SELECT now() - make_interval(mins => i), 401, 'stranger-' || i %% 300 || '.example/AGR', '192.0.2.1',
        'The signature does not fit.' FROM generate_series(1, 10000) AS i"""

_SEGMENTS = """('[{{"start": 69, "duration": 4, "power": -250000, "min_power": -900000, "max_power": 0,
    "disposition": "Requested"}}, {{"start": 73, "duration": 4, "power": -150000, "min_power": -900000,
    "max_power": 0, "disposition": "Requested"}}]')::jsonb"""


def _statements(offers: int, envelope: str) -> list[str]:
    step = timedelta(days=DAYS).total_seconds() / offers
    given = {"n": offers, "step": step, "open": min(OPEN, offers // 2), "partners": PARTNERS}
    given |= {"half": POINTS // 2, "envelope": envelope, "segments": _SEGMENTS.format()}
    parts = (_FACTS, _REQUESTS, _MESSAGES, _ATTEMPTS, _OFFERS, _ORDERS, _EVENTS)
    return [part.format(**given).replace("%%", "%") for part in parts]
