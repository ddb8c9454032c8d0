"""Users, for whom they act, and the tokens of their programs."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator

from offers import models
from offers.services import tokens

from .discreet import Discreet
from .records import ReadOnly


def _hosted(field: Any) -> Any:
    """A user acts for participants that are hosted here, for nobody else."""
    if field is not None:
        field.queryset = models.Participant.objects.hosted()
    return field


def _is_within(request: HttpRequest, user: User | None) -> bool:
    """Superusers are changed by their like."""
    return user is None or not user.is_superuser or bool(request.user.is_superuser)


def _within(request: HttpRequest, users: QuerySet[User]) -> list[User]:
    return [user for user in users if _is_within(request, user)]


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """Its right may change; for somebody else, or another participant, there is a new one: tokens of
    programs hang on a membership, and would go on under another name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"user", "participant"} & set(self.fields):
            self.fields[name].disabled = self.instance.pk is not None


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = models.Membership
    form = MembershipForm
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **options)
        return _hosted(field) if db_field.name == "participant" else field


# Second factors and sessions are people's own; their secrets are on no page. Nobody has an e-mail here.
admin.site.unregister([User, Group, Authenticator, EmailAddress, UserSession])


@admin.register(get_user_model())
class UserAdmin(Discreet, StockUserAdmin):  # type: ignore[type-arg]
    inlines = (MembershipInline,)
    list_display = ("username", "acts_for", "second_factor", "is_active", "is_staff", "last_login")
    actions = ("take_second_factor", "end_sessions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who is no superuser makes none, and gives nobody rights."""
        rights = () if request.user.is_superuser else ("is_superuser", "groups", "user_permissions")
        return (*super().get_readonly_fields(request, obj), *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _is_within(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _is_within(request, obj) and super().has_delete_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__participant", "authenticator_set")

    @method_decorator(reauthentication_required(app="offers"))
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().user_change_password(request, *args, **kwargs)

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, user: User) -> bool:
        return any(one.type == Authenticator.Type.TOTP for one in user.authenticator_set.all())  # type: ignore[attr-defined]

    @admin.action(description="Take away the second factor, for who lost it", permissions=["change"])
    def take_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        raise_if_reauthentication_required(request, app="offers")
        for user in _within(request, queryset):
            Authenticator.objects.filter(user=user).delete()
            self._end_sessions_of(user)
            self.log_change(request, user, "The second factor was taken away.")
            self.message_user(request, f"{user} logs in by password alone, and sets up a new second factor.")

    @admin.action(description="End all sessions", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in _within(request, queryset):
            ended = self._end_sessions_of(user)
            self.log_change(request, user, "All sessions were ended.")
            self.message_user(request, f"Sessions of {user} that were ended: {ended}.")

    def _end_sessions_of(self, user: User) -> int:
        rows = list(UserSession.objects.filter(user=user))
        for row in rows:
            row.end()
        return len(rows)

    @admin.display(description="acts for")
    def acts_for(self, user: User) -> str:
        memberships = models.Membership.objects.none() if user.pk is None else user.memberships.all()
        return ", ".join(f"{one.participant.slug} ({one.right})" for one in memberships)


@admin.register(Group)
class GroupAdmin(Discreet, StockGroupAdmin):
    """Rights of staff, given to several at once."""


@admin.register(models.Membership)
class MembershipAdmin(Discreet):
    form = MembershipForm
    list_display = ("user", "participant", "right")
    list_filter = ("right", "participant")
    list_select_related = ("user", "participant")
    search_fields = ("user__username",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **options)
        return _hosted(field) if db_field.name == "participant" else field


@admin.register(models.ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Made and shown once in the browser of the member; here they can be taken away."""

    list_display = ("prefix", "name", "membership", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("membership__user", "membership__participant")
    exclude = ("digest",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("offers.change_apitoken")

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[models.ApiToken]) -> None:
        for row in queryset.filter(revoked_at=None):
            tokens.revoke(row, timezone.now())
            self.log_change(request, row, "Revoked.")
            self.message_user(request, f"{row} is revoked: it opens nothing any more.")
