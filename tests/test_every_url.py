"""G33: walks every route as everybody: nobody sees or does what is not theirs, and nothing breaks."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.urls import get_resolver, path
from django.utils import timezone

from tests import cast
from tests.cast import NOON, POINT
from tests.walk import routes, table
from tests.walk.routes import METHODS, Route
from tests.walk.same import same
from tests.walk.table import ACT, ACT_AGR, ACT_DSO, MANAGE, READ, READ_DSO
from tests.walk.world import ABSENT, SIDES, World, built

pytestmark = pytest.mark.django_db  # pytest-django makes a database for tests that are marked

FOUND = routes.by_key()
PAGES = [route for key, route in FOUND.items() if table.kind_of(key) == "page"]
API = [route for key, route in FOUND.items() if table.kind_of(key) == "api"]
ADMIN = [route for key, route in FOUND.items() if table.kind_of(key) == "admin"]
OTHERS = [route for key, route in FOUND.items() if table.kind_of(key) in ("public", "signed in")]

REACHED = {200, 201, 204, 302, 303, 400, 409, 422}


DRAFT = cast.offer_draft(NOON + timedelta(hours=1))
DRAFTS = {"agr": DRAFT, "dso": cast.request_draft(NOON + timedelta(hours=2))}
# What a person types or chooses on a page.
FORMS: dict[str, dict[str, str]] = {
    "token-new": {"name": "a program", "lifetime": "30"},
    "dso-offer-reject": {"text": "Too dear."},
    "dso-offer-order": {"option": "1", "factor": "1.00"},
    "dso-request-new": {"day": "2026-03-03"},
}


def key(route: Route) -> str:
    return route.key


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One market for the whole walk; every call is rolled back."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr(timezone, "now", lambda: NOON)
        with built() as everything:
            yield everything


def unclassified() -> list[str]:
    """What nobody has thought about: a route that no table has, or one that hides behind another's name."""
    found = Counter(route.key for route in routes.all_routes())
    return [key for key, times in found.items() if table.kind_of(key) is None or times > 1]


def test_g33_every_route_is_classified() -> None:
    assert unclassified() == []


@pytest.mark.parametrize("name", ["new-and-secret", "agr-offer", ""])
def test_g33_control_a_route_that_nobody_thought_about_is_found(settings: Any, name: str) -> None:
    added = path("a-new-route/", lambda request: HttpResponse("secret"), name=name)
    settings.ROOT_URLCONF = (*get_resolver().url_patterns, added)
    assert unclassified() == [name or "a-new-route/"]


def test_g33_every_line_of_the_table_has_its_route() -> None:
    lines = [*table.PAGES, *table.API, *table.PUBLIC, *table.SIGNED_IN]
    assert [line for line in lines if line not in FOUND] == []


def test_g33_every_varying_part_is_filled(world: World) -> None:
    """A route that is tried with no row of its own would pass as absent everywhere."""
    for route in [*PAGES, *API]:
        for side in sides_of(route):
            parts = world.key(route, side, f"{side} trader")
            assert "pk" not in route.takes or parts["pk"] != ABSENT, route.key


# --- pages --------------------------------------------------------------------------------------------


def sides_of(route: Route) -> list[str]:
    """Both, or the one whose pages they are, or the one that the table says may act."""
    if route.side in SIDES:
        return [route.side]
    needs = set(table.API.get(route.key, {}).values())
    if needs and needs <= {ACT_AGR}:
        return ["agr"]
    return ["dso"] if needs and needs <= {ACT_DSO, READ_DSO} else list(SIDES)


def page(world: World, route: Route, side: str, whose: Any, who: str, absent: bool = False) -> str:
    return route.address(role=side, domain=whose.domain, **world.key(route, side, who, absent))


def visit(world: World, route: Route, who: str, method: str, address: str) -> HttpResponse:
    """A page with a body that a person could send, which is what comes of it."""
    draft, typed = json.dumps(DRAFTS.get(route.side, {})), FORMS.get(route.key, {})
    if route.key.endswith(("-save", "-check")):
        return world.call(who, method, address, draft, json=True)
    if method == "GET":
        return world.call(who, method, f"{address}?{urlencode(typed)}")
    known = {"counterparty": world.counterparty(who).pk, "point": world.cast.point.pk}
    return world.call(who, method, address, urlencode({"draft": draft, **known, **typed}))


@pytest.mark.parametrize("route", PAGES, ids=key)
def test_g33_a_page_sends_who_is_not_signed_in_to_the_login(world: World, route: Route) -> None:
    for side, method in product(sides_of(route), METHODS):
        answer = world.call("nobody", method, page(world, route, side, world.participant(side), ""))
        if method in table.PAGES[route.key]:
            assert answer.status_code == 302 and answer["Location"].startswith("/login/?next="), method
        else:
            assert answer.status_code in (302, 405), method


@pytest.mark.parametrize("route", PAGES, ids=key)
def test_g33_a_page_of_others_is_as_absent(world: World, route: Route) -> None:
    """For a stranger, the other side of the trade, and an admin who is no member."""
    for side, method in product(sides_of(route), METHODS):
        other = "dso trader" if side == "agr" else "agr trader"
        wanted = {404} if method in table.PAGES[route.key] else {404, 405}
        for who in ("stranger", "admin", other):
            foreign = world.call(who, method, page(world, route, side, world.participant(side), who))
            assert foreign.status_code in wanted, (who, method)
            nowhere = route.address(role=side, domain="no.such.example", **world.key(route, side, who))
            assert same(foreign, world.call(who, method, nowhere)), (who, method)


@pytest.mark.parametrize("route", [r for r in PAGES if r.takes & {"pk", "group"}], ids=key)
def test_g33_a_foreign_row_on_a_page_of_ones_own_is_as_absent(world: World, route: Route) -> None:
    for side in sides_of(route):
        for method in table.PAGES[route.key]:
            here = page(world, route, side, world.rival(side), "stranger")
            there = page(world, route, side, world.rival(side), "stranger", absent=True)
            foreign, absent = (visit(world, route, "stranger", method, a) for a in (here, there))
            assert foreign.status_code == absent.status_code == 404, (side, method)
            assert same(foreign, absent), (side, method)


@pytest.mark.parametrize("route", PAGES, ids=key)
def test_g33_a_viewer_sees_and_does_not_act(world: World, route: Route) -> None:
    for side in sides_of(route):
        for method, needs in table.PAGES[route.key].items():
            who = f"{side} viewer"
            address = page(world, route, side, world.participant(side), who)
            status = visit(world, route, who, method, address).status_code
            acts = needs in (ACT, MANAGE)
            assert status in ({403} if acts else REACHED), (side, method, status)
            if acts:
                gone = page(world, route, side, world.participant(side), who, absent=True)
                assert world.call(who, method, gone).status_code == 403, (side, method)


@pytest.mark.parametrize("route", PAGES, ids=key)
def test_g33_a_trader_gets_every_page_of_theirs(world: World, route: Route) -> None:
    for side, method in product(sides_of(route), METHODS):
        needs = table.PAGES[route.key].get(method)
        manages = MANAGE in table.PAGES[route.key].values()
        who = f"{side} {'manager' if manages else 'trader'}"
        address = page(world, route, side, world.participant(side), who)
        status = visit(world, route, who, method, address).status_code
        wanted = {405} if needs is None else {200} if method == "GET" else REACHED
        assert status in wanted, (side, method, status)


@pytest.mark.parametrize("route", [r for r in PAGES if MANAGE in table.PAGES[r.key].values()], ids=key)
def test_g33_a_trader_does_not_manage(world: World, route: Route) -> None:
    for side, (method, needs) in product(sides_of(route), table.PAGES[route.key].items()):
        if needs == MANAGE:
            who = f"{side} trader"
            address = page(world, route, side, world.participant(side), who)
            assert visit(world, route, who, method, address).status_code == 403, (side, method)


def theirs(world: World, route: Route, side: str) -> dict[str, Any]:
    """A row of the counterparty of `side`; empty where a route has none, or both have the same."""
    other = "dso" if side == "agr" else "agr"
    parts = world.key(route, other, f"{other} trader")
    mine = world.key(route, side, f"{side} trader")
    return parts if parts["pk"] not in (ABSENT, mine["pk"]) else {}


WITH_ROWS = [route for route in [*PAGES, *API] if "pk" in route.takes]


@pytest.mark.parametrize("route", WITH_ROWS, ids=key)
def test_g33_a_row_of_the_counterparty_is_as_absent_among_ones_own(world: World, route: Route) -> None:
    """Each of the two has a row for the same offer: its key opens nothing on the other side."""
    doors = table.PAGES if route in PAGES else table.API
    for side, (method, needs) in product(SIDES, doors[route.key].items()):
        parts, who = theirs(world, route, side), f"{side} {'manager' if needs == MANAGE else 'trader'}"
        if not parts or (route.side in SIDES and route.side != side):
            continue
        where = {"role": side, "domain": world.participant(side).domain}
        here, there = route.address(**where, **parts), route.address(**where, **parts | {"pk": ABSENT})
        if route in PAGES:
            foreign, absent = (visit(world, route, who, method, address) for address in (here, there))
        else:
            body = json.dumps(BODIES.get((route.key, method), {}))
            foreign, absent = (world.call(who, method, a, body, json=True) for a in (here, there))
        refused = {403, 404} if needs in (ACT_AGR, ACT_DSO, READ_DSO) else {404}
        assert foreign.status_code in refused, (side, method, foreign.status_code)
        assert same(foreign, absent), (side, method)


# --- the API ------------------------------------------------------------------------------------------

NEED = {"congestion_point": POINT, "period": "2026-03-03"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("api-offer-list", "POST"): {**NEED, **DRAFT},
    ("api-offer-detail", "PUT"): DRAFT,
    ("api-offer-schedule", "POST"): {"at": None},
    ("api-offer-reject", "POST"): {"reason": "Too dear."},
    ("api-offer-order", "POST"): {"option_reference": "A"},
    ("api-group-list", "POST"): {**NEED, **DRAFTS["dso"]},
    ("api-group-detail", "PUT"): DRAFTS["dso"],
}


def ask(world: World, route: Route, side: str, who: str, method: str, absent: bool = False) -> HttpResponse:
    """One call of the API, for the participant of `who`."""
    parts = world.key(route, side, who, absent)
    if route.key == "api-offer-detail" and method != "GET" and not absent:
        parts["pk"] = world.own[side].get("draft", parts["pk"])
    other = "dso.demo.example/DSO" if side == "agr" else "agr.demo.example/AGR"
    body = {"recipient": other} if route.key == "api-message-test" else BODIES.get((route.key, method), {})
    acts_for = f"?as={world.rival(side).slug}" if who == "stranger" else ""
    return world.call(who, method, route.address(**parts) + acts_for, json.dumps(body), json=True)


@pytest.mark.parametrize("route", API, ids=key)
def test_g33_the_api_knows_nobody_without_a_token(world: World, route: Route) -> None:
    side = sides_of(route)[0]
    for method in METHODS:
        assert ask(world, route, side, "nobody", method).status_code == 401, method
        wanted = {403} if method in table.API[route.key] else {403, 405}
        assert ask(world, route, side, "admin", method).status_code in wanted, method


@pytest.mark.parametrize("route", API, ids=key)
def test_g33_the_api_lets_a_trader_do_all_of_theirs(world: World, route: Route) -> None:
    for side, method in product(SIDES, METHODS):
        status = ask(world, route, side, f"{side} trader", method).status_code
        needs = table.API[route.key].get(method)
        if needs is None:
            assert status == 405, (side, method)
        elif needs in (READ, ACT, f"act {side}", f"read {side}"):
            assert status in (200, 201, 204), (side, method, status)
        else:
            assert status == 403, (side, method, status)


@pytest.mark.parametrize("route", API, ids=key)
def test_g33_the_api_lets_a_viewer_read_only(world: World, route: Route) -> None:
    for side in sides_of(route):
        for method, needs in table.API[route.key].items():
            reads = needs in (READ, READ_DSO)
            wanted = 200 if reads else 403
            assert ask(world, route, side, f"{side} viewer", method).status_code == wanted, (side, method)
            if not reads:
                gone = ask(world, route, side, f"{side} viewer", method, absent=True)
                assert gone.status_code == 403, (side, method)


@pytest.mark.parametrize("route", [r for r in API if r.takes & {"pk", "group"}], ids=key)
def test_g33_a_foreign_row_of_the_api_is_as_absent(world: World, route: Route) -> None:
    for side in sides_of(route):
        for method, needs in table.API[route.key].items():
            if needs in (READ, ACT, f"act {side}", f"read {side}"):
                foreign = ask(world, route, side, "stranger", method)
                absent = ask(world, route, side, "stranger", method, absent=True)
                assert foreign.status_code == 404, (side, method)
                assert same(foreign, absent), (side, method)


@pytest.mark.parametrize("route", [r for r in API if not r.takes and "list" in r.key], ids=key)
def test_g33_a_list_of_the_api_has_nothing_of_others(world: World, route: Route) -> None:
    for side in SIDES:
        if "GET" in table.API[route.key]:
            assert json.loads(ask(world, route, side, "stranger", "GET").content)["results"] == []


# --- everything else ----------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ADMIN, ids=key)
def test_g33_the_admin_is_for_staff(world: World, route: Route) -> None:
    """Nobody else learns which of its addresses exist."""
    address = admin_address(world, route)
    for method in METHODS:
        for who in ("nobody", "stranger", "agr trader", "dso viewer"):
            answer = world.call(who, method, address)
            at_the_door = route.key in ("admin:login", "admin:logout", "admin:jsi18n")
            led = answer.status_code == 302 and "/admin/login/" in answer["Location"]
            assert led or at_the_door or answer.status_code == 405, (who, method, answer.status_code)
        if method in ("GET", "POST"):  # to the admin all others are a GET
            assert world.call("admin", method, address).status_code < 500, method


def admin_address(world: World, route: Route) -> str:
    own = world.own["agr"]
    found = re.search(r"offers/(\w+)/", route.pattern)
    rows = {
        "participant": world.cast.agr.pk,
        "congestionpoint": own["point"],
        "contract": own["contract"],
        "flexrequest": own["request"],
        "flexoffer": own["offer"],
        "flexorder": own["order"],
        "message": own["message"],
        "apitoken": world.token["agr", "trader"],
    }
    row = rows.get(found.group(1) if found else "", world.cast.trader.pk)
    return route.address(object_id=row, id=row, pk=row, app_label="offers", url="nothing")


@pytest.mark.parametrize("route", OTHERS, ids=key)
def test_g33_what_is_of_nobody_answers_as_listed(world: World, route: Route) -> None:
    listed = (table.PUBLIC | table.SIGNED_IN)[route.key]
    for who, method in product(("nobody", "stranger", "admin"), METHODS):
        status = world.call(who, method, route.address()).status_code
        wanted = listed.get(method, {405})
        if who == "nobody" and route.key in table.SIGNED_IN:
            wanted = {302, 401, 405}
        assert status in wanted, (who, method, status)
