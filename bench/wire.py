"""What goes over the wire in a benchmark: FlexOffers of any size between two made-up parties, sealed."""

import base64
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from offers import uftp
from offers.uftp import seal

AGR, DSO = "agr.bench.example", "dso.bench.example"
POINT = "ea1.2026-01.example.bench:station-1"
PERIOD = date(2031, 3, 3)
NOON = datetime(2031, 3, 2, 11, 0, tzinfo=UTC)
SIZES = {"1x1": (1, 1), "3x96": (3, 96)}


def offer(size: str) -> uftp.FlexOffer:
    """An unsolicited offer of so many options × ISPs."""
    options, isps = SIZES[size]
    return uftp.FlexOffer(
        version="3.1.0",
        sender_domain=AGR,
        recipient_domain=DSO,
        time_stamp=NOON - timedelta(hours=1),
        message_id=str(uuid.uuid4()),
        conversation_id=str(uuid.uuid4()),
        isp_duration=timedelta(minutes=15),
        time_zone="Europe/Amsterdam",
        period=PERIOD,
        congestion_point=POINT,
        expiration_date_time=NOON,
        unsolicited=True,
        currency="EUR",
        options=tuple(_option(n, isps) for n in range(options)),
    )


def _option(position: int, isps: int) -> uftp.OfferOption:
    return uftp.OfferOption(
        option_reference=f"option {position + 1}",
        price=Decimal("120.00") + position,
        min_activation_factor=Decimal("0.50"),
        isps=tuple(
            uftp.PowerISP(power=-1000 * (position + 1) - n, start=n + 1, duration=1) for n in range(isps)
        ),
    )


def written(message: uftp.FlexOffer, secret: bytes) -> bytes:
    """Message to envelope bytes, as the outbox does it."""
    payload = uftp.encode(message)
    return uftp.encode_envelope(
        uftp.SignedMessage(sender_domain=AGR, sender_role="AGR", body=seal.seal(payload, secret))
    )


def read(envelope: bytes, public: bytes) -> uftp.PayloadMessage:
    """Envelope bytes to a verified, schema-checked message, as the inbox does it."""
    return uftp.decode(seal.unseal(uftp.decode_envelope(envelope).body, public))


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()
