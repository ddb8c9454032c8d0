"""The DSO's whole job on the running demo with the keyboard alone: ask, review, order, reject, look it up."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.test_keyboard import LONG, focus, page_is, press

pytestmark = [pytest.mark.browser, pytest.mark.pages]

POINT = "Station North"  # asked for at the first start, and its offers wait for staff


def tab_to(page: Page, wanted: str, most: int = 60) -> None:
    """Until what has the focus has that id, or a name that begins like that."""
    for _ in range(most):
        press(page, "Tab")
        place, name = focus(page)
        if place == wanted or name.startswith(wanted):
            return
    raise AssertionError(f"{wanted} is not reached")


def compose(page: Page) -> None:
    """From the desk into the composer: one bound changed, and sent. It begins with the last forecast."""
    press(page, "n")
    page_is(page, "/requests/new/$")
    assert focus(page)[0] == "point"
    page.keyboard.type("Station")
    tab_to(page, "Compose", most=6)
    press(page, "Enter")
    page_is(page, "/edit/$")
    page.wait_for_selector("#grid tr.req input")
    press(page, "/")
    assert re.match(r"ISP \d+, forecast", focus(page)[1])
    press(page, "ArrowRight", "ArrowRight", "ArrowRight")
    assert re.match(r"ISP \d+, MaxPower", focus(page)[1])
    page.keyboard.type("-10")
    press(page, "Enter")
    expect(page.locator("#why")).to_have_text("")
    press(page, "Control+Enter")
    expect(page.locator("dialog#confirm")).to_contain_text("Send this request to 2 aggregators?")
    press(page, "Enter")
    page_is(page, r"/requests/[0-9a-f-]{36}/$")
    expect(page.locator("main")).to_contain_text("on its way to 2 aggregators")


def open_waiting(page: Page) -> None:
    """The first offer that waits, from the list of offers."""
    page.locator(".nav a[data-go=o] .n").wait_for(timeout=LONG)
    press(page, "g", "o")
    page_is(page, "/offers/$")
    tab_to(page, "Waiting for you")
    press(page, "Enter")
    page_is(page, "state=waiting")
    press(page, "j", "Enter")
    page_is(page, r"/offers/\d+/$")


def order(page: Page) -> None:
    """The first option is all or nothing: half of it is refused with the reason, the whole is ordered."""
    open_waiting(page)
    press(page, "j")
    assert focus(page)[1].startswith("Order…")
    press(page, "Enter")
    page_is(page, r"/order/\?option=1$")
    assert focus(page)[0] == "factor"
    press(page, "Control+a")
    page.keyboard.type("0.5")
    press(page, "Enter")
    expect(page.locator("#factor-error")).to_contain_text("all or nothing, so 1.00")
    assert focus(page)[0] == "factor"
    press(page, "Control+a")
    page.keyboard.type("1,00")
    press(page, "Enter")
    page_is(page, "factor=1")
    expect(page.locator("#factor")).to_be_focused()
    tab_to(page, "Order A × 1.00 for", most=3)
    press(page, "Enter")
    page_is(page, r"/orders/\d+/$")
    expect(page.locator("#order")).to_contain_text("Accepted, binding", timeout=LONG)


def reject(page: Page) -> None:
    open_waiting(page)
    press(page, "r")
    expect(page.locator("dialog#reject")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("dialog#reject")).to_be_hidden()
    press(page, "r")
    tab_to(page, "standard", most=3)
    page.keyboard.type("The price")
    tab_to(page, "text", most=2)
    page.keyboard.type("We pay 90.")
    tab_to(page, "Reject O-", most=3)
    press(page, "Enter")
    expect(page.locator("#offer")).to_contain_text(
        "The price is too high for the need that is left. We pay 90."
    )


def look_up(page: Page) -> None:
    """The rejection in the console, and back to the list."""
    press(page, "g", "c")
    page_is(page, "/console/$")
    press(page, "j", "Enter")
    expect(page.locator("#talk")).to_contain_text("FlexOfferResponse")
    assert page.locator("#talk a[data-back]").count() == 1
    press(page, "Escape")
    page_is(page, "/console/$")


def test_the_grid_operator_needs_no_mouse(sign_in: SignIn) -> None:
    page = sign_in("dso")
    compose(page)
    order(page)
    reject(page)
    look_up(page)
