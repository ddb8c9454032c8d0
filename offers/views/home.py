"""The way from / to the desk of the user's first participant."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from offers.models import Membership

from . import scope


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    mine = Membership.objects.filter(user_id=request.user.pk or 0, participant__hosted=True)
    membership = mine.select_related("participant").first()
    if membership is not None:
        return redirect(scope.desk_url(membership))
    if request.user.is_staff:
        return redirect(reverse("admin:index"))
    return render(request, "nobody.html", status=200)
