"""What a stranger puts on the wire: messages of the DSO of the cast, in envelopes that it sealed."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from offers import uftp
from offers.services import keys
from tests.cast import POINT, Cast


def hello(everybody: Cast, **changes: Any) -> uftp.TestMessage:
    fields = {
        "version": "3.1.0",
        "sender_domain": everybody.dso.domain,
        "recipient_domain": everybody.agr.domain,
        "time_stamp": datetime.now(UTC),
        "message_id": str(uuid.uuid4()),
        "conversation_id": str(uuid.uuid4()),
    }
    return uftp.TestMessage(**{**fields, **changes})


def sealed(everybody: Cast, payload: bytes, **changes: Any) -> bytes:
    """The payload in an envelope of the DSO, sealed with its key."""
    _, secret = keys.signing_key(everybody.dso, timezone.now())
    fields = {"sender_domain": everybody.dso.domain, "sender_role": "DSO"}
    return uftp.encode_envelope(
        uftp.SignedMessage(**{**fields, **changes}, body=uftp.seal.seal(payload, secret))
    )


def flex_request(everybody: Cast, **changes: Any) -> uftp.FlexRequest:
    head = hello(everybody)
    tomorrow = timezone.now().date() + timedelta(days=1)
    fields: dict[str, Any] = {
        **{
            name: getattr(head, name)
            for name in ("version", "sender_domain", "recipient_domain", "time_stamp")
        },
        "message_id": head.message_id,
        "conversation_id": head.conversation_id,
        "isp_duration": timedelta(minutes=15),
        "time_zone": "Europe/Amsterdam",
        "period": tomorrow,
        "congestion_point": POINT,
        "revision": 1,
        "expiration_date_time": timezone.now() + timedelta(hours=1),
        "isps": (uftp.RequestISP(disposition="Requested", min_power=-2000, max_power=-1000, start=40),),
    }
    return uftp.FlexRequest(**{**fields, **changes})
