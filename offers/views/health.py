"""For monitors: is the process alive, may it be given work, and does the work get done?"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from offers.services import heartbeat, overdue

DUE_TOO_LONG = timedelta(minutes=5)


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Not ready while the database is away or older than the code. A partner's outage is no reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except (DatabaseError, ImproperlyConfigured) as error:
        return JsonResponse({"status": "no database", "reason": type(error).__name__}, status=503)
    if missing:
        return JsonResponse({"status": "migrations missing", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def deep(request: HttpRequest) -> JsonResponse:
    """Whether what is due gets done (G13, G26). For the operator: counts and ages, nothing of a tenant."""
    if not _is_operator(request):
        return JsonResponse({"status": "for the operator"}, status=403)
    try:
        found = _found(timezone.now())
    except DatabaseError as error:
        return JsonResponse({"status": "no database", "reason": type(error).__name__}, status=503)
    return JsonResponse(found, status=503 if found["problems"] else 200)


def _is_operator(request: HttpRequest) -> bool:
    """A superuser who is logged in, or a monitor with the token of this installation."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.HEALTH_TOKEN and constant_time_compare(given, settings.HEALTH_TOKEN):
        return True
    return request.user.is_active and bool(getattr(request.user, "is_superuser", False))


def _found(now: datetime) -> dict[str, Any]:
    late, waiting = overdue.overdue(now), overdue.oldest_due(now)
    problems = [f"no worker ran the sweep “{name}” within a minute" for name in heartbeat.silent(now)]
    problems += [f"{one.count} × {one.text}" for one in late if one.ours]
    if waiting > DUE_TOO_LONG:
        problems.append(f"a message has been due for {waiting // timedelta(seconds=1)} s")
    return {
        "status": "failing" if problems else "ok",
        "problems": problems,
        "sweeps": {name: age and age.total_seconds() for name, age in heartbeat.ages(now).items()},
        "open_past_deadline": {one.kind: one.count for one in late},
        "oldest_due_seconds": waiting.total_seconds(),
    }
