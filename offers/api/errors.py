"""What went wrong, as a status and a sentence; all reasons of a refusal at once, each with its field."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from offers import uftp
from offers.domain import IllegalMove
from offers.services import drafts, keys, outbox, trading

NOT_HERE = "There is no such thing here."
REFUSED = "This cannot be done as it stands."

Found = list[dict[str, str]]


class Refusal(APIException):
    """422: understood, and wrong; `reasons` has everything that is."""

    status_code = 422

    def __init__(self, reasons: Found, detail: str = REFUSED) -> None:
        super().__init__(detail)
        self.reasons = reasons


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What is not named here is a bug and stays a 500."""
    response = _answer(error, context)
    request = context.get("request")
    if response is not None and request is not None:  # an error is JSON even where the answer would be XML
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
    return response


def _answer(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, (Http404, ObjectDoesNotExist)):
        return Response({"detail": NOT_HERE}, status=404)
    if isinstance(error, (IllegalMove, outbox.NotQueueable, keys.NoKey, keys.MasterKeyWrong)):
        return Response({"detail": str(error)}, status=409)
    reasons = _reasons(error)
    if reasons is not None:
        return Response({"detail": REFUSED, "reasons": reasons}, status=422)
    return exception_handler(error, context)


def _reasons(error: Exception) -> Found | None:
    if isinstance(error, Refusal):
        return error.reasons
    if isinstance(error, trading.Refused):
        return said(error.reasons)
    if isinstance(error, uftp.BadMessage):  # no rule forbids it, and the protocol cannot say it
        return [{"field": "", "text": text} for text in error.reasons]
    if isinstance(error, drafts.NotADraft):
        return [{"field": "", "text": str(error)}]
    if isinstance(error, ValidationError):
        return list(_flat(error.detail, ""))
    return None


def said(reasons: list[uftp.Reason]) -> Found:
    return [{"field": reason.field, "text": reason.text} for reason in reasons]


def _flat(detail: Any, path: str) -> Iterator[dict[str, str]]:
    """DRF nests its errors by field and index; a client wants a list."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            where = "" if name == "non_field_errors" else str(name)
            yield from _flat(inner, f"{path}.{where}".strip(".") if where else path)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, path)
    else:
        yield {"field": path, "text": str(detail)}
