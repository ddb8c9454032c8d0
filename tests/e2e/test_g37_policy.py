"""G37: a walk through every page in a real browser: the policy refuses nothing, nothing complains, and each
page of the desks fits its window, wide and narrow."""

import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.conftest import WIDE, Demo, SignIn, Watch
from tests.e2e.test_main_job import AGR, DSO, LONG, author, compose, newest_request
from tests.walk import routes, table

pytestmark = [pytest.mark.browser, pytest.mark.pages]

WINDOWS: list[tuple[ViewportSize, Literal["light", "dark"]]] = [
    ({"width": 390, "height": 844}, "light"),
    (WIDE, "dark"),
]
ACCOUNT = ["", "password/", "confirm/", "second-factor/", "recovery-codes/new/"]
STARTS = {
    "trader": [f"{AGR}/", f"{AGR}/tokens/new/", "/api/docs/", *(f"/account/{page}" for page in ACCOUNT)],
    "dso": [f"{DSO}/", f"{DSO}/requests/new/", "/api/docs/"],
    "admin": ["/admin/", "/account/"],
}
FILES = {"console-raw", "console-download", "api-schema", "admin:jsi18n"}
# Pages about an order, which test_main_job opens; there, too, every complaint fails the test.
LATER = {"agr-order", "dso-order"}
# Opened from the editor and the composer, which this walk comes through by their buttons.
BY_BUTTON = {"agr-offer-edit", "dso-request-edit"}


def name_of(address: str) -> str:
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def walk(page: Page, starts: list[str], look: Callable[[Page], None] = lambda page: None) -> set[str]:
    """Open and look at one address of each route that can be reached by links; the names of the routes."""
    todo, seen = list(starts), set()
    while todo:
        address = todo.pop()
        name = name_of(address)
        if not name or name in seen or name in FILES:
            continue
        seen.add(name)
        page.goto(address)
        expect(page.locator(".plot-wait")).to_have_count(0)  # all charts are drawn
        links = page.evaluate(
            '[...document.querySelectorAll(\'a[href^="/"], a[href^="?"]\')].map(a => a.href)'
        )
        links += page.evaluate("[...document.querySelectorAll('#content a')].map(a => a.href)")  # the admin's
        todo += [link for link in links if urlsplit(link).netloc == urlsplit(page.url).netloc]
        look(page)
    return seen


def fits(page: Page) -> None:
    """Nothing is wider than the window. Colours have no width: each size in one scheme shows both."""
    for window, scheme in WINDOWS:
        page.set_viewport_size(window)
        page.emulate_media(color_scheme=scheme)
        expect(page.locator(".plot-wait")).to_have_count(0)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= window["width"], f"{page.url} is {wide} wide in a window of {window['width']}"


def every_page(side: str) -> set[str]:
    doors = {key: needs for key, needs in table.PAGES.items() if "GET" in needs}
    of_side = {key for key, route in routes.by_key().items() if route.side in (side, "any")}
    return (set(doors) & of_side) - FILES - LATER - BY_BUTTON


def test_g37_every_page_of_the_desks_keeps_to_the_policy(sign_in: SignIn) -> None:
    operator, trader = sign_in("dso"), sign_in("trader")
    compose(operator)
    newest_request(trader, operator)
    author(trader)
    operator.goto(f"{DSO}/offers/")
    operator.locator("tr[data-row] a[href*='/offers/']").first.wait_for(timeout=LONG)
    seen = walk(trader, [trader.url, *STARTS["trader"]], fits)
    assert every_page("agr") <= seen, every_page("agr") - seen
    assert {f"account{page}" for page in ("", "_change_password", "_reauthenticate")} <= seen
    assert {"mfa_activate_totp", "mfa_generate_recovery_codes", "api-docs"} <= seen
    seen = walk(operator, STARTS["dso"], fits)
    assert every_page("dso") <= seen, every_page("dso") - seen


def test_g37_every_page_of_the_admin_keeps_to_the_policy(sign_in: SignIn) -> None:
    seen = walk(sign_in("admin"), STARTS["admin"])
    lists = {key for key in routes.by_key() if re.fullmatch(r"admin:\w+_changelist", key)}
    assert lists <= seen, lists - seen
    assert {"admin:offers_participant_keys", "admin:offers_participant_history"} <= seen


def test_g37_control_a_page_with_a_script_of_its_own_is_noticed(chromium: Browser, demo: Demo) -> None:
    watch = Watch(urlsplit(demo.url).netloc)
    page = chromium.new_page()
    watch.over(page)
    page.goto(f"{demo.url}/login/")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'alert(1)'}))")
    page.close()
    assert any("Content Security Policy" in text for text in watch.found), watch.found
