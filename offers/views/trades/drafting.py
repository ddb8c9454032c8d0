"""What both editors answer while somebody types: findings, what was saved, the XML as it would go out."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse

from offers import domain, uftp
from offers.services import drafts, trading

Draft = dict[str, Any]


class Unreadable(ValueError):
    """What was posted is no draft; the text says why."""


UNUSABLE = (Unreadable, drafts.NotADraft, uftp.BadMessage)


def read(text: bytes | str) -> Draft:
    """The draft in a posted text. Anything that a database could not keep is refused here."""
    try:
        draft = json.loads(text)
        kept = json.dumps(draft, ensure_ascii=False, allow_nan=False)
        kept.encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is no draft: {error}.") from error
    if not isinstance(draft, dict) or "\\u0000" in kept:
        raise Unreadable("A draft is a JSON object without NUL characters.")
    if drafts.depth_over(draft, drafts.DEEPEST):
        raise Unreadable(f"A draft is nested {drafts.DEEPEST} deep at most.")
    return draft


def findings(reasons: Sequence[uftp.Reason]) -> list[dict[str, str]]:
    return [{"field": reason.field, "text": reason.text, "severity": "error"} for reason in reasons]


def answered(body: bytes, answer: Callable[[Draft], dict[str, Any]]) -> JsonResponse:
    """What `answer` says to the posted draft; a sentence and its status where it cannot be taken."""
    try:
        return JsonResponse(answer(read(body)))
    except (Unreadable, drafts.NotADraft) as error:
        return JsonResponse({"sentence": str(error)}, status=400)
    except domain.IllegalMove as error:
        return JsonResponse({"sentence": str(error)}, status=409)


def previewed(posted: str | None, kept: Mapping[str, Any], write: Callable[[Draft], str]) -> HttpResponse:
    """The XML as it would go out now; the reasons as text where it cannot be written yet."""
    try:
        return _plain(write(read(posted or json.dumps(kept))), 200)
    except UNUSABLE as error:
        return _plain(str(error), 422)
    except trading.Refused as error:
        return _plain("\n".join(f"{r.field}: {r.text}" for r in error.reasons), 422)


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def reasons_against(send: Callable[[], None]) -> list[uftp.Reason]:
    """Try to send; empty when it worked, else all reasons why nothing went out."""
    try:
        send()
    except trading.Refused as error:
        return error.reasons
    except UNUSABLE as error:
        return [uftp.Reason(field="", text=str(error))]
    return []


def not_sent(reasons: Sequence[uftp.Reason]) -> str:
    count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
    return f"Not sent, for {count}: see Checks. What you typed is kept."
