"""A list of trading records: narrowed by its address, cut, and what every such page shows around its rows."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from offers.models import CongestionPoint
from offers.views import lists

from .columns import Columns
from .filters import by_place, counted, is_filtered, tabs

Row = TypeVar("Row", bound=Model)
States = Mapping[str, tuple[str, Q]]
CHUNK = 500


def narrowed(rows: "QuerySet[Row]", states: States, request: HttpRequest) -> "QuerySet[Row]":
    """The rows in the state, at the point and of the day that the address asks for."""
    _, wanted = states.get(request.GET.get("state", ""), states[""])
    return by_place(rows.filter(wanted), request)


def csv_of(rows: "QuerySet[Row]", columns: Columns, filename: str) -> StreamingHttpResponse:
    """The whole list, newest first, streamed."""
    wanted = rows.order_by("-pk")[: lists.CSV_LIMIT]
    return lists.csv_of(wanted.iterator(chunk_size=CHUNK), columns, filename)


def around(
    request: HttpRequest, cut: lists.Slice[Any], noun: str, states: States, points: Iterable[CongestionPoint]
) -> dict[str, Any]:
    """Tabs, filters, pages and the address of the CSV."""
    return {
        "slice": cut,
        "shown": counted(len(cut.rows), noun),
        "tabs": tabs(states, request),
        "points": list(points),
        "csv_url": lists.csv_url(request),
        "filters": request.GET,
        "is_filtered": is_filtered(request),
    }
