"""What every page of the admin has in common: who may not look is told so before it shows what there is."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


class Discreet(admin.ModelAdmin):  # type: ignore[type-arg]
    """Django's history sends to the front page for a row that there is not, and refuses one that there is."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)
