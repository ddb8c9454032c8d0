"""Lists by cursor, newest first: a page costs the same however many rows there are."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class ByCursor(CursorPagination):
    """`next` and `previous` are addresses to follow; `limit` says how many rows a page has."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "-pk"
    cursor_query_description = "Where to go on, as `next` and `previous` of an answer have it."
    page_size_query_description = "Rows per page: 50, at most 500."

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            name, most = self.page_size_query_param, self.max_page_size
            raise ValidationError({name: f"Give a whole number from 1 to {most}."})
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """A cursor that somebody made up must not reach the database."""
        cursor = super().decode_cursor(request)
        position: Any = cursor.position if cursor is not None else None
        if position is not None and not (position.isascii() and position.isdigit() and len(position) < 19):
            raise NotFound(self.invalid_cursor_message)
        return cursor
