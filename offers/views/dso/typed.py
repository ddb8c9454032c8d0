"""A request draft as far as it can be read, for figures and lists while somebody is still typing."""

from collections.abc import Iterator, Mapping
from typing import Any

from offers.services import drafts
from offers.uftp.isp import MAX_COUNT

DISPOSITIONS = ("Requested", "Available")


def typed_isps(draft: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The ISPs that have both bounds; the composer says what is wrong with the others."""
    reading = drafts.Reading()
    for item in _objects(draft.get("isps")):
        start = reading.positive(item.get("start"), "")
        duration = reading.positive(item.get("duration", 1), "")
        least = reading.watts(item.get("min_power"), "")
        most = reading.watts(item.get("max_power"), "")
        kind = item.get("disposition")
        complete = start and duration and least is not None and most is not None and kind in DISPOSITIONS
        if complete and (start or 0) + (duration or 0) <= MAX_COUNT + 1:
            yield {
                "start": start,
                "duration": duration,
                "disposition": kind,
                "min_power": least,
                "max_power": most,
            }


def _objects(value: Any) -> list[Mapping[str, Any]]:
    try:
        return drafts.a_list(value or [], "", drafts.MAX_SEGMENTS)
    except drafts.NotADraft:
        return []
