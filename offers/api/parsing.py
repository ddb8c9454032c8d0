"""JSON as it comes in: of limited size and depth, and nothing in it that a database cannot keep."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from offers.services import drafts

DEEPEST = drafts.DEEPEST
# What XML 1.0 cannot carry, and PostgreSQL cannot keep.
STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TooLarge(APIException):
    status_code = 413
    default_detail = "The body of the request is too large."


class StrictJSONParser(BaseParser):
    """An object, in UTF-8, without NaN, NUL, lone surrogates and names that are given twice."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"The body of a request may have {limit} bytes at most.")
        try:
            data = json.loads(
                raw.decode(), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_each_once
            )
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no JSON: {error}") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        _check(data)
        return data


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two prices under one name nobody knows which is meant."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"“{name}” is given twice in one object")
        found[name] = value
    return found


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
    wrong = STRANGE.search(text)
    if wrong:
        what = f"U+{ord(wrong.group()):04X}"
        raise ParseError(
            f"A text in the body has {what}: NUL, control characters and halves of pairs are none."
        )
