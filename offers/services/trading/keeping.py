"""A draft that stands open in two windows: the second to save is told, and nobody's typing is lost."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from offers import models

from .offers import save_offer_draft


class StaleDraft(Exception):
    """Another version was saved since this one was read; `row` holds it."""

    def __init__(self, row: models.FlexOffer) -> None:
        super().__init__(f"{row} was saved by somebody else since it was opened.")
        self.row = row


def token_of(draft: Mapping[str, Any]) -> str:
    """Says which version of a draft was read. Of its content: the same text is never in its own way."""
    text = json.dumps(draft, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@transaction.atomic
def keep_offer_draft(
    owner: models.Participant,
    offer_id: int,
    draft: Mapping[str, Any],
    by: User,
    now: datetime,
    seen: str | None = None,
) -> models.FlexOffer:
    """Save what was typed on top of the version `seen`; StaleDraft when another one stands there now."""
    rows = models.FlexOffer.objects.select_for_update(of=("self",)).select_related("drafted_by")
    row = rows.get(pk=offer_id, owner=owner)
    if row.state == "draft" and seen and token_of(row.draft) not in (seen, token_of(draft)):
        raise StaleDraft(row)
    return save_offer_draft(owner, offer_id, draft, by, now)
