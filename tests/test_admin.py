"""The admin: the market and its keys can be seen to, what was traded can only be looked at."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from offers import models, uftp
from offers.services import inbox, keys, tokens
from tests import cast
from tests.cast import Cast

pytestmark = pytest.mark.django_db

RECORDS = [
    models.FlexRequest,
    models.FlexOffer,
    models.FlexOrder,
    models.Prognosis,
    models.Message,
    models.Attempt,
    models.Event,
    models.Refusal,
]
KEPT = [models.Participant, models.CongestionPoint, models.Contract, models.Membership, User, *RECORDS]


@pytest.fixture
def chief(everybody: Cast, client: Client) -> Client:
    client.force_login(everybody.admin)
    return client


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def said(response: Any) -> str:
    """What the next page says to the user, and its form errors."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(text.split())


def a_key() -> str:
    return uftp.seal.to_cs1(uftp.seal.public_of(uftp.seal.generate()))


# --- every page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_every_list_opens(everybody: Cast, chief: Client, model: Any) -> None:
    cast.send_request(everybody)
    assert chief.get(url(model, "changelist")).status_code == 200
    assert chief.get(url(model, "changelist"), {"q": "abc"}).status_code == 200


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_what_was_traded_can_be_seen_and_never_changed(everybody: Cast, chief: Client, model: Any) -> None:
    cast.send_request(everybody)
    inbox.note_refusal(inbox.NotTaken(401, "wrong"), "192.0.2.1", cast.NOON)
    listed = chief.get(url(model, "changelist"))
    assert "delete_selected" not in admin.site.get_model_admin(model).get_actions(listed.wsgi_request)
    assert chief.get(url(model, "add")).status_code == 403
    row = model.objects.first()
    if row is not None:
        page = chief.get(url(model, "change", row.pk))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert chief.post(url(model, "change", row.pk), {"state": "draft"}).status_code == 403
        assert chief.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert model.objects.filter(pk=row.pk).exists()


def test_nobody_but_staff_gets_in(everybody: Cast, client: Client) -> None:
    for person in (everybody.trader, everybody.manager):
        client.force_login(person)
        assert client.get(f"/admin/offers/participant/{everybody.agr.pk}/keys/").status_code == 302
        assert client.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/").status_code == 302
    assert everybody.agr.keys.count() == 1


def test_staff_without_the_right_to_change_participants_makes_no_key(everybody: Cast, client: Client) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_participant"))
    client.force_login(clerk)
    for page in ("keys/new/", "keys/add/", "test/"):
        assert client.post(f"/admin/offers/participant/{everybody.agr.pk}/{page}").status_code == 403
    assert everybody.agr.keys.count() == 1


def test_no_page_has_a_script_or_style_of_its_own(everybody: Cast, chief: Client) -> None:
    """The Content-Security-Policy lets through files only."""
    pk = everybody.agr.pk
    for page in (f"{pk}/change/", f"{pk}/keys/", f"{pk}/test/", "add/", ""):
        content = chief.get(f"/admin/offers/participant/{page}").content.decode()
        scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", content)
        assert [s for s in scripts if 'type="application/json"' not in s] == []
        assert "<style" not in content and not re.search(r"<[^>]+\s(style|on\w+)=", content)


# --- participants and their keys ----------------------------------------------------------------


def participant(**changes: Any) -> dict[str, Any]:
    given = {
        "domain": "new.example",
        "role": "AGR",
        "name": "New",
        "version": "3.1.0",
        "profile": "as_offered",
    }
    return given | changes


def test_a_new_hosted_participant_gets_a_signing_key(chief: Client) -> None:
    page = chief.post(url(models.Participant, "add"), participant(hosted="on"), follow=True)
    row = models.Participant.objects.get(domain="new.example")
    public, _ = keys.signing_key(row, timezone.now())
    assert f"cs1.{public}" in said(page)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("domain", "New.Example", "domain in lower case"),
        ("version", "9.9.9", "write 3.0.0 or 3.1.0"),
        ("endpoint", "http://peer.example/", "is not https on port 443"),
        ("endpoint", "https://peer.example:8443/", "is not https on port 443"),
        ("endpoint", "https://u:p@peer.example/", "user name"),
        ("endpoint", "peer", "is no address"),
        ("name", "New\u200b", "cannot be shown"),
    ],
)
def test_a_wrong_value_gets_a_sentence(
    chief: Client, settings: Any, field: str, value: str, sentence: str
) -> None:
    settings.LOCAL_MARKET = False
    page = chief.post(url(models.Participant, "add"), participant(**{field: value}))
    assert sentence in said(page)
    assert not models.Participant.objects.filter(name="New").exists()


def test_an_endpoint_on_this_machine_is_for_local_markets(chief: Client, settings: Any) -> None:
    settings.LOCAL_MARKET = True
    chief.post(url(models.Participant, "add"), participant(endpoint="http://127.0.0.1:9500/"))
    assert models.Participant.objects.get(domain="new.example").endpoint == "http://127.0.0.1:9500/"


def test_a_new_signing_key_is_made_by_a_button_and_by_an_action(everybody: Cast, chief: Client) -> None:
    page = chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/", follow=True)
    assert f"cs1.{keys.signing_key(everybody.agr, timezone.now())[0]}" in said(page)
    action = {"action": "make_signing_keys", "_selected_action": [everybody.agr.pk]}
    chief.post(url(models.Participant, "changelist"), action)
    assert everybody.agr.keys.count() == 3
    assert LogEntry.objects.filter(object_id=str(everybody.agr.pk)).count() == 2


def test_the_older_keys_are_retired_after_the_time_that_was_chosen(everybody: Cast, chief: Client) -> None:
    old = everybody.agr.keys.get()
    chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/new/", {"old_valid_for": "7"})
    old.refresh_from_db()
    assert old.valid_to is not None
    assert abs(old.valid_to - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_a_counterparty_gets_public_keys_and_no_signing_key(chief: Client) -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    base, text = f"/admin/offers/participant/{peer.pk}/keys/", a_key()
    assert text in said(chief.post(f"{base}add/", {"public_key": text}, follow=True))
    assert "not hosted here" in said(chief.post(f"{base}new/", follow=True))
    assert len(keys.public_keys(peer, timezone.now())) == 1


def test_a_wrong_public_key_is_kept_in_the_form_with_a_sentence(chief: Client) -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    page = chief.post(f"/admin/offers/participant/{peer.pk}/keys/add/", {"public_key": "cs1.short"})
    assert "a public key" in said(page) and b'value="cs1.short"' in page.content
    assert peer.keys.count() == 0


def test_a_key_is_retired_by_its_button(everybody: Cast, chief: Client) -> None:
    key = everybody.agr.keys.get()
    chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/{key.pk}/retire/")
    assert keys.public_keys(everybody.agr, timezone.now()) == []


def test_a_key_of_somebody_else_is_not_retired_by_the_way(everybody: Cast, chief: Client) -> None:
    key = everybody.dso.keys.get()
    assert (
        chief.post(f"/admin/offers/participant/{everybody.agr.pk}/keys/{key.pk}/retire/").status_code == 404
    )
    assert keys.public_keys(everybody.dso, timezone.now())


def test_keys_are_changed_by_post_only(everybody: Cast, chief: Client) -> None:
    for page in ("keys/new/", "keys/add/", f"keys/{everybody.agr.keys.get().pk}/retire/"):
        assert chief.get(f"/admin/offers/participant/{everybody.agr.pk}/{page}").status_code == 405


def test_a_test_message_is_sent_in_the_name_that_was_chosen(everybody: Cast, chief: Client) -> None:
    page = f"/admin/offers/participant/{everybody.dso.pk}/test/"
    assert "Demo AGR" in said(chief.get(page)) and "Send it as" in said(chief.get(page))
    after = chief.post(page, {"sender": everybody.agr.pk}, follow=True)
    row = models.Message.objects.get(type="TestMessage")
    assert (row.owner, row.counterparty, row.state) == (everybody.agr, everybody.dso, "queued")
    assert row.message_id in said(after)


def test_a_test_message_without_a_key_gets_a_sentence(everybody: Cast, chief: Client) -> None:
    keys.retire(everybody.agr.keys.get(), cast.NOON)
    page = chief.post(
        f"/admin/offers/participant/{everybody.dso.pk}/test/", {"sender": everybody.agr.pk}, follow=True
    )
    assert "has no signing key" in said(page)


def test_domain_and_role_of_a_participant_stay(everybody: Cast, chief: Client) -> None:
    chief.post(
        url(models.Participant, "change", everybody.agr.pk),
        participant(domain="other.example", role="DSO", name="Renamed", hosted="on"),
    )
    everybody.agr.refresh_from_db()
    assert (everybody.agr.slug, everybody.agr.name) == ("agr.demo.example/AGR", "Renamed")


# --- the market ---------------------------------------------------------------------------------


def point(everybody: Cast, **changes: Any) -> dict[str, Any]:
    given = {
        "entity_address": "ea1.2026-01.example.demo:new",
        "name": "New",
        "dso": everybody.dso.pk,
        "agrs": [everybody.agr.pk],
        "capacity_w": "1000000",
        "time_zone": "Europe/Amsterdam",
        "isp_duration": "PT15M",
        "currency": "EUR",
        "day_ahead_redispatch_by": "AGR",
        "intraday_redispatch_by": "",
    }
    return given | changes


def test_a_congestion_point_is_made_and_set_to_wait_for_staff(everybody: Cast, chief: Client) -> None:
    chief.post(url(models.CongestionPoint, "add"), point(everybody))
    row = models.CongestionPoint.objects.get(name="New")
    assert row.isp_duration == timedelta(minutes=15)
    assert row.answers_automatically is False
    assert b'value="PT15M"' in chief.get(url(models.CongestionPoint, "change", row.pk)).content


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("entity_address", "station", "ea1.2026-01.example.com:station-7"),
        ("time_zone", "Europe/Foo", "no time zone"),
        ("time_zone", "Asia/Tokyo", "Africa, America"),
        ("isp_duration", "15", "write PT15M"),
        ("isp_duration", "PT90S", "whole minutes"),
        ("currency", "ABC", "ISO 4217"),
        ("capacity_w", "0", "above 0"),
        ("capacity_w", "1000000000001", "1 to 1,000,000,000,000 W"),
        ("name", "New\u200b", "cannot be shown"),
    ],
)
def test_a_wrong_congestion_point_gets_a_sentence(
    everybody: Cast, chief: Client, field: str, value: str, sentence: str
) -> None:
    page = chief.post(url(models.CongestionPoint, "add"), point(everybody, **{field: value}))
    assert sentence in said(page)
    assert not models.CongestionPoint.objects.filter(name="New").exists()


def contract(everybody: Cast, **changes: Any) -> dict[str, Any]:
    given = {
        "contract_id": "C-1",
        "dso": everybody.dso.pk,
        "agr": everybody.agr.pk,
        "congestion_point": everybody.point.pk,
        "valid_from": "2026-01-01",
        "reserved_power_w": "-10000",
        "availability_price": "40.00",
        "activation_price": "20.0001",
        "lead_time": "PT16H",
        "windows-TOTAL_FORMS": "1",
        "windows-INITIAL_FORMS": "0",
        "windows-0-first_isp": "69",
        "windows-0-last_isp": "76",
        "windows-0-days": "fri",
    }
    return given | changes


def test_a_contract_is_made_with_its_windows(everybody: Cast, chief: Client) -> None:
    page = chief.post(url(models.Contract, "add"), contract(everybody))
    assert page.status_code == 302, said(page)
    row = models.Contract.objects.get()
    assert (str(row.activation_price), row.lead_time) == ("20.0001", timedelta(hours=16))
    assert str(row.windows.get()) == "ISP 69–76 on fri"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"valid_to": "2025-01-01"}, "It ends before it begins"),
        ({"lead_time": "16h"}, "no duration"),
        ({"windows-0-last_isp": "101"}, "has the ISPs 1–100"),
        ({"windows-0-last_isp": "60"}, "not before its first"),
        ({"windows-0-days": "friday"}, "is no day"),
        ({"availability_price": "1.00001"}, "decimal places"),
        ({"activation_price": "-0.01"}, "0 or more"),
        ({"availability_price": "-0.01"}, "0 or more"),
        ({"reserved_power_w": "-1000000000001"}, "within ±1,000,000,000,000 W"),
        ({"max_activations": "1000000001"}, "at most 1,000,000,000"),
        ({"lead_time": "PT-1H"}, "no duration"),
        ({"lead_time": "P400D"}, "PT0M to P366D"),
        ({"lead_time": "-PT16H"}, "PT0M to P366D"),
        ({"contract_id": "C\u200b1"}, "cannot be shown"),
    ],
)
def test_a_wrong_contract_gets_a_sentence(
    everybody: Cast, chief: Client, changes: dict[str, str], sentence: str
) -> None:
    page = chief.post(url(models.Contract, "add"), contract(everybody, **changes))
    assert sentence in said(page)
    assert not models.Contract.objects.exists()


def test_a_contract_is_between_two_that_trade_at_the_point(everybody: Cast, chief: Client) -> None:
    page = chief.post(url(models.Contract, "add"), contract(everybody, agr=everybody.rival.pk))
    assert "is no AGR of Station West" in said(page)


def test_a_user_gets_a_membership_of_a_hosted_participant_only(everybody: Cast, chief: Client) -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    page = chief.get(url(models.Membership, "add"))
    assert "Demo AGR" in said(page) and "Peer" not in said(page)
    wrong = {"user": everybody.stranger.pk, "participant": peer.pk, "right": "view"}
    chief.post(url(models.Membership, "add"), wrong)
    assert not models.Membership.objects.filter(participant=peer).exists()
    chief.post(url(models.Membership, "add"), {**wrong, "participant": everybody.agr.pk})
    assert everybody.stranger.memberships.count() == 2


def test_a_membership_keeps_its_user_and_participant(everybody: Cast, chief: Client) -> None:
    """Tokens of programs hang on it: they would trade on under another name."""
    row = models.Membership.objects.get(user=everybody.trader)
    other = {"user": everybody.stranger.pk, "participant": everybody.dso.pk, "right": "view"}
    chief.post(url(models.Membership, "change", row.pk), other)
    row.refresh_from_db()
    assert (row.user, row.participant, row.right) == (everybody.trader, everybody.agr, "view")


def test_a_token_is_revoked_by_who_may_change_it_and_that_is_noted(everybody: Cast, client: Client) -> None:
    membership = models.Membership.objects.get(user=everybody.trader)
    token, _ = tokens.create(membership, "a program", everybody.trader, timezone.now())
    staff = User.objects.create_user("clerk", is_staff=True)
    client.force_login(staff)
    act = {"action": "revoke", "_selected_action": [token.pk]}
    for right, revoked in (("view", False), ("change", True)):
        staff.user_permissions.add(Permission.objects.get(codename=f"{right}_apitoken"))
        client.post(url(models.ApiToken, "changelist"), act)
        token.refresh_from_db()
        assert bool(token.revoked_at) is revoked
    assert LogEntry.objects.filter(object_id=str(token.pk), user=staff).count() == 1


def test_who_is_no_superuser_makes_none(everybody: Cast, client: Client) -> None:
    staff = User.objects.create_user("clerk", is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client.force_login(staff)
    mine = {"username": "clerk", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    none = {f"memberships-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    client.post(url(User, "change", staff.pk), mine | none)
    assert not User.objects.get(pk=staff.pk).is_superuser
    page = client.get(url(User, "change", everybody.admin.pk))
    assert page.status_code == 200 and 'name="_save"' not in page.content.decode()
    client.post(url(User, "changelist"), {"action": "end_sessions", "_selected_action": [everybody.admin.pk]})
    assert not LogEntry.objects.filter(object_id=str(everybody.admin.pk)).exists()
