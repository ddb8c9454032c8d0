"""G33: doors without a page of their own: exports, parts of pages, tokens, tasks, staff without rights."""

import inspect
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from flexportal.celery import app
from offers.models import Membership, Participant, Right
from offers.services import tokens
from tests import cast
from tests.cast import NOON, Cast
from tests.walk import routes, table
from tests.walk.same import same

pytestmark = pytest.mark.django_db

LISTS = ["agr-requests", "agr-offers", "agr-orders", "console"]
ABSENT = 987654321


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def page(name: str, participant: Participant) -> str:
    return routes.by_key()[name].address(role="agr", domain=participant.domain)


# --- exports and parts of pages -------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_g33_an_export_has_the_rows_of_ones_own_and_no_others(everybody: Cast, name: str) -> None:
    cast.order(everybody, cast.accepted_offer(everybody)[1])
    cast.deliver_all(NOON)
    mine = _lines(everybody.trader, page(name, everybody.agr))
    theirs = _lines(everybody.stranger, page(name, everybody.rival))
    assert len(mine) > 1 and len(theirs) == 1
    assert mine[0] == theirs[0]  # the headings


def _lines(user: User, address: str) -> list[bytes]:
    answer: Any = signed_in(user).get(address, {"format": "csv"})
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/csv"), address
    return b"".join(answer.streaming_content).splitlines()


@pytest.mark.parametrize("asked", [{"HX-Request": "true", "Poll": "1"}, {"Accept": "text/csv"}])
@pytest.mark.parametrize("name", [key for key in table.PAGES if key.startswith("agr-")])
def test_g33_a_part_of_a_foreign_page_is_as_absent(everybody: Cast, name: str, asked: dict[str, str]) -> None:
    stranger, route = signed_in(everybody.stranger), routes.by_key()[name]
    for query in ("", "?format=csv"):
        answers = [
            stranger.get(route.address(role="agr", domain=domain) + query, headers=asked)
            for domain in (everybody.agr.domain, "no.such.example")
        ]
        assert {answer.status_code for answer in answers} <= {404, 405}
        assert same(*answers), query


# --- programs -------------------------------------------------------------------------------------------


def test_g33_a_task_takes_nothing_so_it_names_nobodys_rows() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith(("offers.", "flexportal."))}
    assert len(ours) >= 3
    assert {name for name, task in ours.items() if inspect.signature(task.run).parameters} == set()


@pytest.mark.parametrize("end", ["membership", "user", "participant", "token", "time"])
def test_g33_a_token_dies_at_once_with_what_it_stood_on(everybody: Cast, end: str) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    now = timezone.now()
    row, secret = tokens.create(membership, "program", everybody.trader, now, now + timedelta(days=1))
    program = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/", headers=program).status_code == 200
    if end == "membership":
        membership.delete()
    elif end == "user":
        User.objects.filter(pk=everybody.trader.pk).update(is_active=False)
    elif end == "participant":
        Participant.objects.filter(pk=everybody.agr.pk).update(hosted=False)
    elif end == "token":
        tokens.revoke(row, now)
    else:
        type(row).objects.filter(pk=row.pk).update(expires_at=now)
    assert Client().get("/api/v1/", headers=program).status_code == 401


def test_g33_a_token_never_has_a_right_that_its_user_lost(everybody: Cast) -> None:
    membership = Membership.objects.get(user=everybody.trader)
    _, secret = tokens.create(membership, "program", everybody.trader, timezone.now())
    program = {"Authorization": f"Bearer {secret}"}
    address, json = "/api/v1/messages/1/again/", "application/json"
    assert Client().post(address, content_type=json, headers=program).status_code == 404
    Membership.objects.filter(pk=membership.pk).update(right=Right.VIEW)
    assert Client().post(address, content_type=json, headers=program).status_code == 403


# --- staff without rights -------------------------------------------------------------------------------


ADMIN = [route for key, route in routes.by_key().items() if table.kind_of(key) == "admin"]
OF_ALL_STAFF = {"admin:index", "admin:login", "admin:logout", "admin:password_change", "admin:jsi18n"}
NAMELESS = {"admin:password_change_done", "admin:app_list", "admin:view_on_site", "admin:autocomplete"}


def test_g33_staff_without_a_right_learns_nothing_of_any_row(everybody: Cast) -> None:
    """The same refusal for a row that there is and for one that there is not, wherever the admin has one."""
    clerk = signed_in(User.objects.create_user("clerk", is_staff=True))
    there = everybody.agr.pk
    for route in ADMIN:
        if route.key in OF_ALL_STAFF | NAMELESS or not route.key.startswith("admin:"):
            continue
        for method in ("GET", "POST"):
            answers = [
                clerk.generic(method, route.address(object_id=pk, id=pk, pk=pk, key_pk=pk))
                for pk in (there, ABSENT)
            ]
            statuses = {answer.status_code for answer in answers}
            assert statuses <= {403, 405} and same(*answers), (route.key, method, statuses)


def test_g33_autocomplete_and_views_on_the_site_tell_staff_without_a_right_nothing(everybody: Cast) -> None:
    clerk = signed_in(User.objects.create_user("clerk", is_staff=True))
    found = {"app_label": "offers", "model_name": "membership", "field_name": "user", "term": "t"}
    assert clerk.get("/admin/autocomplete/", found).status_code == 403
    assert clerk.get("/admin/offers/").status_code == 404  # as if there were no such app
    assert same(*(clerk.get(f"/admin/r/1/{pk}/") for pk in (everybody.agr.pk, ABSENT)))


@pytest.mark.parametrize(
    ("address", "action"),
    [
        ("/admin/offers/participant/", "make_signing_keys"),
        ("/admin/auth/user/", "take_second_factor"),
        ("/admin/auth/user/", "end_sessions"),
        ("/admin/auth/user/", "delete_selected"),
    ],
)
def test_g33_an_action_needs_the_right_and_not_only_the_list(
    everybody: Cast, address: str, action: str
) -> None:
    from django.contrib.auth.models import Permission

    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=["view_participant", "view_user"]))
    before = everybody.agr.keys.count(), User.objects.count()
    chosen = {"action": action, "_selected_action": [everybody.agr.pk, everybody.trader.pk], "post": "yes"}
    signed_in(clerk).post(address, chosen)
    assert (everybody.agr.keys.count(), User.objects.count()) == before
