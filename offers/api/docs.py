"""The schema, and a page to try the API; both only for those who are signed in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from offers.models import Membership


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    mine = Membership.objects.filter(user_id=request.user.pk or 0, participant__hosted=True)
    context = {"acts_for": list(mine.select_related("participant")), "now": timezone.now()}
    return render(request, "api/docs.html", context)
