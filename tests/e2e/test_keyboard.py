"""A trader's whole job on the running demo with the keyboard alone, and the focus always in sight."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, SignIn

pytestmark = [pytest.mark.browser, pytest.mark.pages]

LONG = 60_000
AGR = "/agr/agr.demo.example"
FOCUS = """() => {
  const here = document.activeElement;
  const style = getComputedStyle(here);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const name = here.getAttribute('aria-label') ?? here.textContent.trim().replace(/\\s+/g, ' ');
  return [here.id || here.tagName, name, seen];
}"""

# The browser tells of the closing only when the next question is open already.
LEFT_AND_ASKED_AGAIN = """() => new Promise(told => {
  const dialog = document.getElementById('confirm');
  dialog.addEventListener('close', () => setTimeout(told), { once: true });
  dialog.close();
  document.querySelector('[data-key="r"]').click();
})"""


def focus(page: Page) -> tuple[str, str]:
    """What has the focus, which somebody must be able to see."""
    place, name, seen = page.evaluate(FOCUS)
    assert seen or place == "BODY", f"the focus on {name or place} cannot be seen"
    return place, name


def press(page: Page, *keys: str) -> None:
    """What was just opened hears keys when its scripts are there: a person sees that it is."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str, key: str = "Tab", most: int = 60) -> None:
    for _ in range(most):
        press(page, key)
        if name in focus(page):
            return
    raise AssertionError(f"{name} is not reached with {key}")


def page_is(page: Page, pattern: str) -> None:
    page.wait_for_url(re.compile(pattern))
    page.wait_for_selector("main")


def log_in(page: Page, demo: Demo) -> None:
    page.context.clear_cookies()
    page.goto("/login/")
    tab_to(page, "id_login", most=9)
    page.keyboard.type("trader")
    press(page, "Tab")
    page.keyboard.type(demo.passwords["trader"])
    press(page, "Enter")
    page_is(page, "/agr/.*/$")


def the_desk(page: Page) -> None:
    """Skip link, map of keys, a dialog that keeps the focus inside and gives it back."""
    press(page, "Tab")
    assert focus(page)[1] == "Skip to content"
    press(page, "Enter", "Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    before = focus(page)
    press(page, "?")
    expect(page.locator("dialog#keys")).to_be_visible()
    for key in ("Tab", "Tab", "Shift+Tab", "Tab"):
        press(page, key)
        assert page.evaluate("document.querySelector('dialog#keys').contains(document.activeElement)")
    press(page, "Escape")
    assert focus(page) == before


def a_new_offer(page: Page) -> str:
    """From the list of requests into the editor: three options, their power filled down, sent."""
    page.locator("tr[data-row]").first.wait_for(timeout=LONG)
    press(page, "g", "r")
    page_is(page, "/requests/$")
    press(page, "j", "Enter")
    page_is(page, r"/requests/\d+/$")
    press(page, "n")
    page_is(page, "/edit/$")
    page.wait_for_selector("#grid input")
    press(page, "/")
    page.keyboard.type("Cold store")
    press(page, "ArrowDown")
    page.keyboard.type("101.40")
    press(page, "ArrowDown")
    page.keyboard.type("0.40")
    press(page, "Alt+f", "Alt+c", "Alt+c")
    press(page, "Enter", "ArrowRight")
    assert focus(page)[1].startswith("Option B, ISP")
    expect(page.locator("#send")).to_have_attribute("aria-disabled", "false")  # all is judged
    press(page, "Control+Enter")
    expect(page.locator("dialog#confirm")).to_contain_text("Send 3 options")
    press(page, "Shift+Tab")
    assert focus(page)[1] == "Back"
    press(page, "Enter")  # not yet
    assert focus(page)[1].startswith("Option B, ISP")
    press(page, "Control+Enter", "Enter")
    page_is(page, r"/offers/\d+/$")
    return page.url


def revoked(page: Page, offer: str) -> None:
    number = offer.rstrip("/").rsplit("/", 1)[1]
    press(page, "g", "o")
    page_is(page, "/offers/$")
    press(page, "j")
    assert focus(page)[1] == f"O-{number}"
    press(page, "Enter")
    page_is(page, rf"/offers/{number}/$")
    expect(page.locator("#offer")).to_contain_text("Delivered", timeout=LONG)
    press(page, "r")
    expect(page.locator("dialog#confirm")).to_contain_text(f"Revoke O-{number}?")
    press(page, "Escape")
    expect(page.locator("dialog#confirm")).to_be_hidden()
    press(page, "r")
    page.evaluate(LEFT_AND_ASKED_AGAIN)
    press(page, "Enter")
    expect(page.locator("#offer")).to_contain_text("Revoked", timeout=LONG)


def test_a_trader_needs_no_mouse(sign_in: SignIn, demo: Demo) -> None:
    page = sign_in("trader")
    log_in(page, demo)
    the_desk(page)
    offer = a_new_offer(page)
    revoked(page, offer)
