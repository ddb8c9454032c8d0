"""The verbs of trading. Read with the module: trading.revoke(owner=…, offer_id=…, by=…, now=…)."""

from .answers import Judgement, Refused, accepted, answer
from .keeping import StaleDraft, keep_offer_draft, token_of
from .messages import just_noted, send_again, send_test, take_prognosis, take_test
from .moves import Cause
from .offers import (
    accept_offer,
    check_offer,
    delete_offer_draft,
    draft_offer,
    preview_offer,
    reject_offer,
    revoke,
    save_offer_draft,
    schedule_offer,
    send_offer,
)
from .offers_in import offer_answered, revocation_answered, take_offer, take_revocation
from .orders import order, order_answered, take_order
from .requests import (
    check_requests,
    delete_request_draft,
    draft_requests,
    group_of,
    preview_requests,
    recipients_of,
    request_answered,
    save_request_draft,
    send_requests,
    take_request,
)
from .sweeps import expire_due, fail_undelivered, send_planned

__all__ = [
    "Cause",
    "Judgement",
    "Refused",
    "StaleDraft",
    "accept_offer",
    "accepted",
    "answer",
    "check_offer",
    "check_requests",
    "delete_offer_draft",
    "delete_request_draft",
    "draft_offer",
    "draft_requests",
    "expire_due",
    "fail_undelivered",
    "group_of",
    "just_noted",
    "keep_offer_draft",
    "offer_answered",
    "order",
    "order_answered",
    "preview_offer",
    "preview_requests",
    "recipients_of",
    "reject_offer",
    "request_answered",
    "revocation_answered",
    "revoke",
    "save_offer_draft",
    "save_request_draft",
    "schedule_offer",
    "send_again",
    "send_offer",
    "send_planned",
    "send_requests",
    "send_test",
    "take_offer",
    "take_order",
    "take_prognosis",
    "take_request",
    "take_revocation",
    "take_test",
    "token_of",
]
