"""Participants in the admin: their keys are changed over here, a test message says if they hear us."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from offers import models, uftp
from offers.services import keys, trading

from .discreet import Discreet
from .forms import ChangeOverForm, ParticipantForm, PublicKeyForm, SenderForm

Page = Callable[..., HttpResponse]
proved = reauthentication_required(app="offers")  # before keys change: is it still the same person?


def cs1(key: models.Key) -> str:
    return uftp.seal.to_cs1(uftp.seal.parse_public(key.public))


@admin.display(description="role", ordering="role")
def short_role(participant: models.Participant) -> str:
    return str(participant.role)


@admin.register(models.Participant)
class ParticipantAdmin(Discreet):
    form = ParticipantForm
    list_display = ("name", short_role, "domain", "hosted", "version", "barred", "failing_since", "bad_seals")
    list_filter = ("hosted", "role", "barred")
    search_fields = ("name", "domain")
    actions = ("make_signing_keys",)
    readonly_fields = ("failing_since", "bad_seals")
    fields = (
        ("domain", "role"),
        "name",
        "hosted",
        "endpoint",
        "version",
        "profile",
        "barred",
        "held_until",
        ("failing_since", "bad_seals"),
    )
    change_form_template = "admin/offers/participant/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Domain and role name a participant on the wire: they do not change."""
        return (*self.readonly_fields, *(("domain", "role") if obj is not None else ()))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A new hosted participant gets a key, and an endpoint or a bar decides who hears what."""
        view: Page = super().changeform_view
        return (proved(view) if request.method == "POST" else view)(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list makes keys, too, by its action."""
        view: Page = super().changelist_view
        return (proved(view) if request.method == "POST" else view)(request, extra_context)

    def save_model(self, request: HttpRequest, obj: models.Participant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = timezone.now()
        if obj.hosted and not obj.keys.valid_at(now).exclude(private=None).exists():
            key = keys.add_signing_key(obj, now)
            self._say(request, obj, f"Made a signing key. Its public key: {cs1(key)}")

    @admin.action(description="Make a new signing key", permissions=["change"])
    def make_signing_keys(self, request: HttpRequest, queryset: QuerySet[models.Participant]) -> None:
        for participant in queryset:
            try:
                key = keys.add_signing_key(participant, timezone.now())
            except keys.BadKey as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self._say(request, participant, f"New signing key of {participant.slug}: {cs1(key)}")

    def _say(self, request: HttpRequest, participant: models.Participant, text: str) -> None:
        """Tell the user, and keep it in the participant's history."""
        self.log_change(request, participant, text)
        self.message_user(request, text)

    # --- pages of their own ---------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, str, Page]] = [
            ("<int:pk>/keys/", "keys", self.keys_page),
            ("<int:pk>/keys/new/", "key_new", require_POST(proved(self.new_key))),
            ("<int:pk>/keys/add/", "key_add", require_POST(proved(self.add_key))),
            ("<int:pk>/keys/<int:key_pk>/retire/", "key_retire", require_POST(proved(self.retire_key))),
            ("<int:pk>/test/", "test", self.test_page),
        ]
        own = [
            path(route, self.admin_site.admin_view(page), name=f"offers_participant_{name}")
            for route, name, page in pages
        ]
        return own + super().get_urls()

    def _participant(self, request: HttpRequest, pk: int) -> models.Participant:
        """Who may not is told so before it shows whether there is one."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        found = models.Participant.objects.filter(pk=pk).first()
        if found is None:
            raise Http404("There is no such participant.")
        return found

    def _page(
        self, request: HttpRequest, participant: models.Participant, name: str, title: str, **context: Any
    ) -> HttpResponse:
        about = {"opts": self.opts, "original": participant, "title": title, **context}
        template = f"admin/offers/participant/{name}.html"
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **about})

    def keys_page(self, request: HttpRequest, pk: int, add: PublicKeyForm | None = None) -> HttpResponse:
        participant = self._participant(request, pk)
        now = timezone.now()
        valid = set(participant.keys.valid_at(now).values_list("pk", flat=True))
        rows = [
            {"key": key, "public": cs1(key), "valid": key.pk in valid, "signs": key.private is not None}
            for key in participant.keys.newest_first()
        ]
        return self._page(
            request,
            participant,
            "keys",
            f"Keys of {participant}",
            rows=rows,
            verifying=min(len(valid), 2),
            add_form=add or PublicKeyForm(),
            change_form=ChangeOverForm(),
        )

    def _to_keys(self, participant: models.Participant) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:offers_participant_keys", args=[participant.pk]))

    def new_key(self, request: HttpRequest, pk: int) -> HttpResponse:
        participant = self._participant(request, pk)
        form = ChangeOverForm(request.POST)
        days = form.cleaned_data["old_valid_for"] if form.is_valid() else None
        now = timezone.now()
        try:
            if days is None:
                key = keys.add_signing_key(participant, now)
            else:
                key = keys.change_over(participant, now, timedelta(days=days))
        except keys.BadKey as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self._say(request, participant, f"New signing key. Its public key: {cs1(key)}")
        return self._to_keys(participant)

    def add_key(self, request: HttpRequest, pk: int) -> HttpResponse:
        participant = self._participant(request, pk)
        form = PublicKeyForm(request.POST)
        if form.is_valid():
            try:
                key = keys.add_public_key(participant, form.cleaned_data["public_key"], timezone.now())
            except keys.BadKey as error:
                form.add_error("public_key", str(error))
            else:
                self._say(request, participant, f"Trusts the public key {cs1(key)} from now on.")
                return self._to_keys(participant)
        request.method = "GET"
        return self.keys_page(request, pk, form)

    def retire_key(self, request: HttpRequest, pk: int, key_pk: int) -> HttpResponse:
        participant = self._participant(request, pk)
        key = participant.keys.filter(pk=key_pk).first()
        if key is None:
            raise Http404("There is no such key.")
        keys.retire(key, timezone.now())
        self._say(request, participant, f"The key {cs1(key)} is retired.")
        return self._to_keys(participant)

    def test_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask which of ours is to send a test message, and send it."""
        participant = self._participant(request, pk)
        form = SenderForm(request.POST or None, recipient=participant)
        if request.method == "POST" and form.is_valid():
            self._send_test(request, form.cleaned_data["sender"], participant)
            return HttpResponseRedirect(reverse("admin:offers_participant_change", args=[pk]))
        return self._page(request, participant, "test", f"Test message to {participant}", form=form)

    def _send_test(
        self, request: HttpRequest, sender: models.Participant, recipient: models.Participant
    ) -> None:
        try:
            row = trading.send_test(sender, recipient, timezone.now())
        except (keys.NoKey, keys.MasterKeyWrong) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self._say(request, recipient, f"Test message {row.message_id} of {sender} is on its way.")
