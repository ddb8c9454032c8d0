"""Users, for whom they act, and the tokens of their programs."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from offers import models
from offers.services import tokens

from .records import ReadOnly


def _hosted(field: Any) -> Any:
    """A user acts for participants that are hosted here, for nobody else."""
    if field is not None:
        field.queryset = models.Participant.objects.hosted()
    return field


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = models.Membership
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **options)
        return _hosted(field) if db_field.name == "participant" else field


admin.site.unregister(User)


@admin.register(get_user_model())
class UserAdmin(StockUserAdmin):  # type: ignore[type-arg]
    inlines = (MembershipInline,)
    list_display = ("username", "acts_for", "is_active", "is_staff", "last_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__participant")

    @admin.display(description="acts for")
    def acts_for(self, user: User) -> str:
        memberships = models.Membership.objects.none() if user.pk is None else user.memberships.all()
        return ", ".join(f"{one.participant.slug} ({one.right})" for one in memberships)


@admin.register(models.Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
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

    @admin.action(description="Revoke the selected tokens", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[models.ApiToken]) -> None:
        for row in queryset.filter(revoked_at=None):
            tokens.revoke(row, timezone.now())
            self.message_user(request, f"{row} is revoked: it opens nothing any more.")
