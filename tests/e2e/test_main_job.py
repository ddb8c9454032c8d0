"""The whole job, in a browser, against the running demo: ask, offer, review, order, revoke, expire."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, SignIn

pytestmark = pytest.mark.browser

AGR = "/agr/agr.demo.example"
DSO = "/dso/dso.demo.example"
POINT = "Feeder Orchard 3"
CAPACITY_KW = 400
FIRST, LAST = 69, 72  # the ISPs in which the forecast lies above the capacity
LONG = 60_000  # a message goes out, is processed and answered by real workers on a busy machine


def in_amsterdam(ahead: timedelta) -> str:
    """An instant as a datetime-local field takes it: to the minute, so up to one earlier."""
    moment = datetime.now(ZoneInfo("Europe/Amsterdam")) + ahead
    return moment.strftime("%Y-%m-%dT%H:%M")


def confirm(page: Page) -> None:
    page.locator("dialog#confirm[open] button[value=yes]").click()


def compose(page: Page) -> str:
    """The DSO asks the AGRs of a point for tomorrow; the address of the request."""
    page.goto(f"{DSO}/requests/new/")
    place = page.locator("#point option", has_text=POINT).get_attribute("value")
    page.select_option("#point", place)
    page.get_by_role("button", name="Compose the request").click()
    page.wait_for_selector("#rows input")
    for number in range(FIRST - 2, LAST + 3):
        load = CAPACITY_KW + 60 if FIRST <= number <= LAST else CAPACITY_KW - 100
        page.fill(f'[aria-label="ISP {number}, forecast, kW"]', str(load))
    page.click("[data-do=derive]")
    expect(page.locator(f'[aria-label="ISP {FIRST}, MaxPower, kW"]')).to_have_value("−60")
    page.fill("#expires", in_amsterdam(timedelta(hours=1)))
    page.click("#send")
    confirm(page)
    page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}/$"))
    return page.url


def newest_request(page: Page, sender: Page) -> None:
    """The trader opens from the list what the DSO has open: this revision, not the one that it replaces."""
    revision = sender.locator("dt:text-is('Revision') + dd").inner_text()
    row = page.locator("#requests tr[data-row]", has_text=POINT).filter(
        has=page.locator("td", has_text=re.compile(rf"^{revision}$"))
    )
    page.goto(f"{AGR}/requests/")
    row.wait_for(timeout=LONG)
    row.locator("a").first.click()
    page.wait_for_url(re.compile(r"/requests/\d+/$"))


def write_option(page: Page, index: int, reference: str, price: str, least: str, power: str) -> None:
    letter = "ABC"[index]
    page.fill(f'[aria-label^="Option {letter} reference" i]', reference)
    page.fill(f'[aria-label^="Option {letter} price" i]', price)
    page.fill(f'[aria-label^="Option {letter} minimum" i]', least)
    for number in range(FIRST, LAST + 1):
        page.fill(f'[aria-label="Option {letter}, ISP {number}, kW"]', power)


def author(page: Page, expires: timedelta = timedelta(minutes=50)) -> str:
    """The trader writes an offer with three options and sends it; the address of the offer."""
    page.click("text=New offer")
    page.wait_for_selector("#grid input")
    for _ in range(2):
        page.click("[data-do=add]")
    write_option(page, 0, "Cold store", "101.40", "0.40", "-60")
    write_option(page, 1, "Battery", "55.00", "0.50", "-40")
    write_option(page, 2, "Pre-heat", "126.15", "1.00", "-70")
    page.fill("#expires", in_amsterdam(expires))
    expect(page.locator("#why")).to_have_text(re.compile("^$|no error", re.IGNORECASE))
    page.click("#send")
    confirm(page)
    page.wait_for_url(re.compile(r"/offers/\d+/$"))
    return page.url


def order(page: Page, offer: str, factor: str) -> None:
    """The DSO orders the first option of an offer at a factor."""
    page.goto(f"{DSO}/offers/")
    row = page.locator("tr[data-row]", has_text=POINT).filter(has_text=offer).first
    row.wait_for(timeout=LONG)
    row.locator("a").first.click()
    page.locator("tr.option", has_text="Cold store").get_by_text("Order…").click()
    page.fill("#factor", factor)
    page.press("#factor", "Enter")
    page.wait_for_url(re.compile(rf"factor={factor}"))
    page.get_by_role("button", name=re.compile(r"^Order A × 0\.67 for")).click()
    page.wait_for_url(re.compile(r"/orders/\d+/$"))


def test_the_whole_job(sign_in: SignIn, demo: Demo) -> None:
    operator, trader = sign_in("dso"), sign_in("trader")
    request = compose(operator)
    newest_request(trader, operator)
    asked = trader.url
    first = author(trader)
    expect(trader.locator("#offer")).to_contain_text("Accepted", timeout=LONG)

    order(operator, "Demo Aggregator", "0.67")
    expect(operator.locator("#order")).to_contain_text("Accepted, binding", timeout=LONG)
    expect(operator.locator("#order")).to_contain_text("67.94")
    expect(trader.locator("#offer")).to_contain_text("Ordered", timeout=LONG)
    trader.goto(f"{AGR}/orders/")
    expect(trader.locator("tr[data-row]").first).to_contain_text("67.94")
    assert first

    trader.goto(asked)
    short_lived = author(trader, timedelta(seconds=80))  # it ends by itself while the others trade on

    trader.goto(asked)
    second = author(trader)
    expect(trader.locator("#offer")).to_contain_text("Accepted", timeout=LONG)
    trader.get_by_role("button", name="Revoke…").click()
    confirm(trader)
    expect(trader.locator("#offer")).to_contain_text("Revoked", timeout=LONG)
    assert trader.url == second
    operator.goto(f"{DSO}/offers/?state=revoked")
    expect(operator.locator("tr[data-row]").first).to_contain_text(POINT, timeout=LONG)

    trader.goto(short_lived)
    expect(trader.locator("#offer")).to_contain_text("Expired", timeout=LONG + 60_000)
    operator.goto(request)
    expect(operator.locator("main")).to_contain_text("Demo Aggregator")
