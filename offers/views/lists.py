"""Lists: filtered by their address, cut by key instead of by page number, and taken away as CSV."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

Row = TypeVar("Row", bound=Model)

PER_PAGE = 50
CSV_LIMIT = 100_000


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """Some rows of a list, newest first, and the addresses of those before and after."""

    rows: list[Row]
    previous_url: str
    next_url: str


def slice_of(
    rows: "QuerySet[Row]",
    request: HttpRequest,
    per_page: int = PER_PAGE,
    read: "QuerySet[Row] | None" = None,
) -> Slice[Row]:
    """The rows that the address asks for (?before=ID or ?after=ID), newest first.

    By key, because counting or skipping rows costs more with every row there is; this does not. The keys
    come first, so that only what is shown is joined with all its parts. `read` says with which parts: a
    search has a thousand keys in its conditions, which the database need not be told twice.
    """
    before, after = _whole(request.GET.get("before")), _whole(request.GET.get("after"))
    if after is not None:
        keys = _keys(rows.filter(pk__gt=after).order_by("pk"), per_page + 1)
        more_newer, more_older = len(keys) > per_page, True
        keys = keys[:per_page]
    else:
        wanted = rows.filter(pk__lt=before) if before is not None else rows
        keys = _keys(wanted.order_by("-pk"), per_page + 1)
        more_newer, more_older = before is not None, len(keys) > per_page
        keys = keys[:per_page]
    shown = rows if read is None else read
    found = list(shown.filter(pk__in=keys).order_by("-pk")) if keys else []
    previous_url = _url(request, after=found[0].pk) if found and more_newer else ""
    next_url = _url(request, before=found[-1].pk) if found and more_older else ""
    return Slice(found, previous_url, next_url)


def _keys(rows: "QuerySet[Row]", most: int) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:most])


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _url(request: HttpRequest, **key: Any) -> str:
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    for name, value in key.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"


def wants_csv(request: HttpRequest) -> bool:
    return request.GET.get("format") == "csv"


def csv_url(request: HttpRequest) -> str:
    return _url(request, format="csv")


def csv_of(
    rows: Iterable[Row], columns: Sequence[tuple[str, Callable[[Row], Any]]], filename: str
) -> StreamingHttpResponse:
    """The rows as a CSV file, streamed: (heading, value of a row) per column. Watts, ISO instants."""
    response = StreamingHttpResponse(_lines(rows, columns), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(rows: Iterable[Row], columns: Sequence[tuple[str, Callable[[Row], Any]]]) -> Iterator[str]:
    yield _line([heading for heading, _ in columns])
    for row in rows:
        yield _line([harmless(value(row)) for _, value in columns])


def _line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


FORMULA = "=+@＝＋－＠-"  # the wide ones are read like the others in some languages
# Where a spreadsheet that cuts at other characters than the comma would begin another cell. What is looked
# over up to a formula ends at the next such place, so that a text of a million line ends costs no square.
CELL = re.compile(rf"(^|[;\t\r\n|])(?=[^\S\t\r\n]*[{FORMULA}])")


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers."""
    if isinstance(value, str):
        return CELL.sub(r"\1'", value)
    return "" if value is None else value
