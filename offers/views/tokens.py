"""API tokens: passwords of a user's programs for one participant, made, shown once and revoked."""

from datetime import datetime, timedelta

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from offers.models import ApiToken, Membership
from offers.services import tokens, trading

from . import lists, routes, scope

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("never", "until it is revoked")]


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=tokens.NAME_LIMIT, help_text="Which program uses it, such as “Night shift optimiser”."
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial="90", label="Valid for")

    def expires_at(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return now + timedelta(days=int(days)) if days.isdecimal() else None


def mine(membership: Membership) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(membership=membership)


@require_safe
@scope.page()
def show(request: HttpRequest, membership: Membership) -> HttpResponse:
    now = timezone.now()
    found = lists.slice_of(mine(membership), request)
    rows = [(row, _standing(row, now)) for row in found.rows]
    context = {"rows": rows, "previous_url": found.previous_url, "next_url": found.next_url}
    return scope.render(request, membership, "tokens/list.html", context, now=now)


def _standing(row: ApiToken, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "valid"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@scope.page()
@reauthentication_required(app="offers")  # type: ignore[untyped-decorator]  # allauth has no types
def new(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The secret stands in this one answer and nowhere else: no redirect could carry it safely."""
    now = timezone.now()
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row, secret = tokens.create(
                membership, form.cleaned_data["name"], membership.user, now, form.expires_at(now)
            )
        except trading.Refused as error:
            form.add_error(None, str(error))
        else:
            return scope.render(
                request, membership, "tokens/made.html", {"token": row, "secret": secret}, now=now
            )
    return scope.render(request, membership, "tokens/new.html", {"form": form}, now=now)


@require_POST
@scope.page()
def revoke(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    row = tokens.revoke(mine(membership).get(pk=pk), timezone.now())
    messages.success(request, f"{row.name} was revoked: a program that uses it is refused from now on.")
    return redirect(scope.url(membership, "tokens"))


urlpatterns = [
    path(routes.ANY + "tokens/", show, name="tokens"),
    path(routes.ANY + "tokens/new/", new, name="token-new"),
    path(routes.ANY + "tokens/<int:pk>/revoke/", revoke, name="token-revoke"),
]
