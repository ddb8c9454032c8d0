"""JSON as it comes in: of limited size and depth, and nothing in it that a database cannot keep."""

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

DEEPEST = 16


class TooLarge(APIException):
    status_code = 413
    default_detail = "The body of the request is too large."


class StrictJSONParser(BaseParser):
    """An object, in UTF-8, without NaN, NUL and lone surrogates."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"The body of a request may have {limit} bytes at most.")
        try:
            data = json.loads(raw.decode(), parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no JSON: {error}") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        _check(data)
        return data


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _no_number(text)
    return number


def _check(data: dict[str, Any]) -> None:
    """Level by level, so that no depth of nesting can exhaust the stack."""
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        for text in (value for value in level if isinstance(value, str)):
            _check_text(text)
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ParseError(f"The body is nested more than {DEEPEST} deep.")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ParseError("A text in the body has a character that is none: NUL or half of a surrogate pair.")
