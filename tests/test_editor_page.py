"""The offer editor and the request composer in a real browser: nothing typed is lost, all is said.

The pages are the real templates and scripts under the portal's own content policy; behind them stands a
stub that judges a draft by one made-up limit and keeps what was saved.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, sync_playwright

from offers import charts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

ZONE = "Europe/Amsterdam"
NOW = datetime(2026, 11, 23, 9, 51, tzinfo=UTC)
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LIMIT = -260_000
POLICY = "; ".join(f"{name} {value}" for name, value in settings.CONTENT_SECURITY_POLICY.items())


@dataclass
class Stub:
    """What the server was told, and the pages it has."""

    pages: dict[str, str]
    saved: list[dict[str, Any]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    theirs: dict[str, Any] | None = None  # what another window saved
    url: str = ""

    def judge(self, path: str, draft: dict[str, Any], seen: str) -> tuple[dict[str, Any], int]:
        if path == "/save" and self.theirs and "after" not in seen:
            told = {"sentence": "Another version was saved.", "theirs": self.theirs, "token": "after"}
            return told, 409
        if path == "/save":
            self.saved.append(draft)
        return {"saved_at": NOW.isoformat(), "findings": self.findings(draft)}, 200

    def findings(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "field": f"OfferOption[{i}].ISP[{isp['start']}].Power",
                "text": "Limit −260 kW.",
                "severity": "error",
            }
            for i, option in enumerate(draft.get("options", []), 1)
            for isp in option["isps"]
            if isinstance(isp["power"], int) and isp["power"] < LIMIT
        ]


def handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/static/"):
                path = finders.find(self.path.removeprefix("/static/"))
                body = Path(str(path)).read_bytes() if path else None
                self.answer(body, TYPES.get(Path(self.path).suffix, "text/plain"))
            else:
                page = "no icon" if self.path == "/favicon.ico" else stub.pages.get(self.path)
                self.answer(page.encode() if page else None, "text/html")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/send":
                stub.sent.append(body.decode())
                self.answer(b"sent", "text/html")
                return
            draft = json.loads(body)
            answer, status = stub.judge(self.path, draft, str(self.headers["If-Match"]))
            self.answer(json.dumps(answer).encode(), "application/json", status)

        def answer(self, body: bytes | None, kind: str, status: int = 200) -> None:
            self.send_response(status if body is not None else 404)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler


def isps(*highest: int | None) -> list[charts.Isp]:
    """One ISP per bound; None where the request says nothing."""
    axis = charts.axis(date(2026, 11, 24), range(69, 69 + len(highest)), ZONE, 15)
    for isp, high in zip(axis, highest, strict=True):
        if high is not None:
            kind = "Requested" if high < 0 else "Available"
            isp.update(disposition=kind, min_w=high - 8_000_000, max_w=high)
    return axis


URLS = {"check_url": "/check", "save_url": "/save", "send_url": "/send", "zone": ZONE, "isp_minutes": 15}

FRAME = {"now": NOW, "zone": ZONE, "heading": "Station West", "point": "Station West", "steps": []}


def editor(*more: None) -> str:
    rows = isps(100_000, -160_000, -240_000, 40_000, *more)
    options = [
        {"option_reference": name, "price": price, "min_activation_factor": "0.40", "isps": []}
        for name, price in (("A", "101.40"), ("B", "55.00"))
    ]
    draft = {"expires_at": "2026-11-24T11:30:00Z", "options": options}
    data = {**URLS, "request": {"isps": rows}, "currency": "EUR", "draft": draft, "findings": []}
    frame = {
        "now": NOW,
        "zone": ZONE,
        "heading": "Station West",
        "steps": [],
        "figure": charts.power_space(rows),
    }
    return render_to_string("agr/editor.html", {**frame, "editor_data": data, "counterparty": "Demo DSO"})


def composer() -> str:
    rows = charts.axis(date(2026, 11, 24), range(69, 73), ZONE, 15)
    draft = {
        "period": "2026-11-24",
        "recipients": [7],
        "isps": [],
        "forecast_w": {"69": 4_160_000, "70": 3_900_000},
    }
    data = {**URLS, "isps": rows, "capacity_w": 4_000_000, "draft": draft}
    frame = {
        "now": NOW,
        "zone": ZONE,
        "heading": "Station West",
        "point": "Station West",
        "composer_data": data,
    }
    return render_to_string("dso/composer.html", {**frame, "recipients": [{"id": 7, "name": "Demo AGR"}]})


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub({"/editor": editor(), "/longer": editor(None), "/composer": composer()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(stub))
    stub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def program(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield program
        program.close()


@pytest.fixture
def browser(program: Browser, stub: Stub) -> Iterator[Page]:
    """A page whose console must stay empty: a refused script or style is an error there."""
    context = program.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    own = (stub.url, "blob:", "data:")
    page.on("request", lambda request: request.url.startswith(own) or complaints.append(request.url))
    yield page
    context.close()
    assert [text for text in complaints if "409 (Conflict)" not in text] == []


@pytest.fixture
def offer(browser: Page, stub: Stub) -> Page:
    browser.goto(f"{stub.url}/editor")
    browser.wait_for_selector(cell(0, 0))
    return browser


@pytest.fixture
def request_page(browser: Page, stub: Stub) -> Page:
    browser.goto(f"{stub.url}/composer")
    browser.wait_for_selector("#rows tr")
    return browser


def cell(row: int, column: int) -> str:
    return f'[data-r="{row}"][data-c="{column}"]'


def values(page: Page, column: int) -> list[str]:
    return [page.input_value(cell(row, column)) for row in range(4)]


def paste(page: Page, text: str, row: int, column: int) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.focus(cell(row, column))
    page.keyboard.press("Control+v")


def said(page: Page) -> str:
    return page.inner_text("#said")


def saved_option(stub: Stub, page: Page, index: int = 0) -> dict[str, Any]:
    page.wait_for_selector("#saved >> text=/^saved 1/")
    option: dict[str, Any] = stub.saved[-1]["options"][index]
    return option


def test_a_typed_number_is_kept_in_watts_and_saved(offer: Page, stub: Stub) -> None:
    offer.focus(cell(1, 0))
    offer.keyboard.type("-120,5")
    assert said(offer) == "-120,5 read as −120.5 kW."
    offer.keyboard.press("Enter")
    assert offer.evaluate("document.activeElement.ariaLabel") == "Option A, ISP 71, kW"
    assert saved_option(stub, offer)["isps"] == [{"start": 70, "duration": 1, "power": -120_500}]


def test_what_is_no_number_stays_as_typed_and_stops_sending(offer: Page, stub: Stub) -> None:
    offer.focus(cell(1, 0))
    offer.keyboard.type("12a")
    offer.keyboard.press("Enter")
    offer.wait_for_selector("#finding-0")
    assert "Option A, ISP 70 (17:15): 12a" in offer.inner_text("#finding-0")
    assert offer.get_attribute("#send", "aria-disabled") == "true"
    assert saved_option(stub, offer)["isps"] == [{"start": 70, "duration": 1, "power": "12a"}]


def test_a_number_that_may_mean_two_things_is_asked_about(offer: Page) -> None:
    offer.focus(cell(1, 0))
    offer.keyboard.type("1.234")
    offer.keyboard.press("Enter")
    offer.click("text=Read as +1.234 kW")
    assert offer.input_value(cell(1, 0)) == "+1.234"


def test_a_block_from_a_spreadsheet_lands_by_its_times_with_its_decimal_comma(offer: Page) -> None:
    paste(offer, "Time\tX\tY\n17:15\t-100,5\t1.234\n17:30\t-90\t\n", 0, 0)
    assert values(offer, 0) == ["", "−100.5", "−90", ""]
    assert values(offer, 1) == ["", "+1234", "", ""]
    assert "decimal comma: -100,5 read as -100.5" in said(offer)
    offer.keyboard.press("Control+z")
    assert values(offer, 0) == ["", "", "", ""]


def test_a_paste_that_may_mean_two_things_changes_nothing_until_somebody_says(offer: Page) -> None:
    paste(offer, "1.234\n5\n", 0, 0)
    assert values(offer, 0) == ["", "", "", ""]
    assert said(offer).startswith("Nothing was pasted. Row 1, column 1: “1.234” may mean 1,234")
    offer.click("text=Comma marks decimals")
    assert values(offer, 0) == ["+1234", "+5", "", ""]


def test_a_row_laid_on_its_side_is_turned(offer: Page) -> None:
    paste(offer, "-10\t-20\t-30\t-40", 0, 0)
    assert values(offer, 0) == ["−10", "−20", "−30", "−40"]


def test_a_copied_block_comes_back_as_itself(offer: Page) -> None:
    paste(offer, "-1,2340\n-20\n", 0, 0)
    offer.focus(cell(0, 0))
    offer.keyboard.press("Shift+ArrowDown")
    offer.keyboard.press("Control+c")
    offer.focus(cell(0, 1))
    offer.keyboard.press("Control+v")
    assert values(offer, 1) == ["−1.234", "−20", "", ""]


def test_a_block_is_filled_down_and_cleared(offer: Page) -> None:
    offer.focus(cell(0, 0))
    offer.keyboard.type("-50")
    offer.keyboard.press("Enter")
    offer.focus(cell(0, 0))
    for _ in range(3):
        offer.keyboard.press("Shift+ArrowDown")
    offer.keyboard.press("Control+d")
    assert values(offer, 0) == ["−50"] * 4
    offer.keyboard.press("Delete")
    assert values(offer, 0) == [""] * 4


def test_totals_count_energy_in_the_direction_that_is_asked(offer: Page) -> None:
    paste(offer, "20\n-160\n-120\n0\n", 0, 0)
    sums = offer.eval_on_selector_all(
        '[data-sum][data-option="0"]', "cells => cells.map(cell => cell.textContent)"
    )
    assert sums == ["70.0", "1,448.57", "70.0 %", "40.56"]


def test_an_option_is_fitted_cloned_shifted_and_removed(offer: Page) -> None:
    offer.focus(cell(0, 0))
    offer.keyboard.press("Alt+f")
    assert values(offer, 0) == ["", "−160", "−240", ""]
    offer.keyboard.press("Alt+c")
    assert values(offer, 2) == ["", "−160", "−240", ""]
    offer.focus(cell(0, 2))
    offer.keyboard.press("Alt+s")
    assert values(offer, 2) == ["", "", "−160", "−240"]
    offer.keyboard.press("Alt+s")
    assert said(offer) == "Not shifted: option C has power in ISP 72, the last of the request."
    offer.click("[aria-label='Remove option C']")
    assert offer.locator("th.name").count() == 2


def test_a_finding_of_the_server_marks_its_cell_and_f8_goes_there(offer: Page) -> None:
    offer.focus(cell(2, 1))
    offer.keyboard.type("-300")
    offer.keyboard.press("Tab")
    offer.wait_for_selector("#findings >> text=Limit −260 kW.")
    assert offer.get_attribute(cell(2, 1), "aria-invalid") == "true"
    offer.keyboard.press("F8")
    assert offer.evaluate("document.activeElement.ariaLabel") == "Option B, ISP 71, kW"


def test_the_unit_changes_what_is_shown_and_not_what_is_meant(offer: Page, stub: Stub) -> None:
    paste(offer, "-160\n", 1, 0)
    offer.select_option("#unit", "MW")
    assert offer.input_value(cell(1, 0)) == "−0.16"
    assert saved_option(stub, offer)["isps"][0]["power"] == -160_000


def test_sending_asks_once_and_posts_the_draft(offer: Page, stub: Stub) -> None:
    paste(offer, "-160\n-240\n", 1, 0)
    offer.keyboard.press("Control+Enter")
    assert "Send 2 options (EUR 101.40, 55.00)" in offer.inner_text("#confirm")
    offer.click("#confirm >> text=Send offer")
    offer.wait_for_url("**/send")
    assert "-160000" in stub.sent[0]


def test_a_chart_never_offers_to_share_its_data(offer: Page) -> None:
    offer.wait_for_selector("#space .main-svg")
    offer.hover("#space")
    assert offer.locator(".modebar-btn").count() == 0
    assert "share" not in offer.inner_text("body").lower().replace("share of the request", "")


def test_bounds_come_from_forecast_and_capacity(request_page: Page) -> None:
    request_page.click("text=From forecast")
    rows = [[request_page.input_value(cell(row, column)) for column in range(4)] for row in range(3)]
    assert rows == [
        ["4160", "Requested", "−8160", "−160"],
        ["3900", "Available", "−7900", "+100"],
        ["", "", "", ""],
    ]
    assert "40.0 kWh less, peak −160 kW" in request_page.inner_text("#need")


def test_a_pasted_request_takes_dispositions_and_bounds(request_page: Page, stub: Stub) -> None:
    paste(request_page, "Req\t-8000\t-160,5\nav\t-8000\t100\n", 0, 1)
    request_page.wait_for_selector("#saved >> text=/^saved 1/")
    assert stub.saved[-1]["isps"] == [
        {
            "start": 69,
            "duration": 1,
            "disposition": "Requested",
            "min_power": -8_000_000,
            "max_power": -160_500,
        },
        {
            "start": 70,
            "duration": 1,
            "disposition": "Available",
            "min_power": -8_000_000,
            "max_power": 100_000,
        },
    ]
    assert stub.saved[-1]["recipients"] == [7]


def test_what_leaves_the_bounds_is_advised_with_its_limit_and_may_be_sent(offer: Page, stub: Stub) -> None:
    paste(offer, "150\n-100\n-240\n", 0, 0)
    offer.wait_for_selector("#finding-1")
    found = offer.inner_text("#findings")
    assert "Option A leaves the request’s bounds in 1 ISP" in found
    assert "ISP 69 (17:00): +150 kW, MaxPower +100 kW" in found
    assert "Option A gives less than asked in 1 Requested ISP" in found
    assert "ISP 70 (17:15): −100 kW, MaxPower −160 kW" in found
    assert offer.get_attribute(cell(0, 0), "title") == "ISP 69 (17:00): +150 kW, MaxPower +100 kW"
    assert offer.get_attribute(cell(0, 0), "aria-invalid") is None
    assert offer.get_attribute("#send", "aria-disabled") == "false"
    offer.keyboard.press("Control+Enter")
    assert "Option A leaves the request’s bounds in 1 ISP." in offer.inner_text("#confirm")
    offer.click("#confirm >> text=Send offer")
    offer.wait_for_url("**/send")


def test_advice_is_taken_with_one_key_in_the_cell(offer: Page) -> None:
    paste(offer, "150\n-160\n-240\n50\n", 0, 0)
    offer.wait_for_selector("#finding-0")
    offer.focus(cell(3, 0))
    offer.keyboard.press("Alt+Enter")
    assert values(offer, 0) == ["+100", "−160", "−240", "+40"]
    assert "Nothing to mend" in offer.inner_text("#findings")


def test_power_where_nothing_is_asked_is_advised_against(offer: Page, stub: Stub) -> None:
    offer.goto(f"{stub.url}/longer")
    offer.wait_for_selector(cell(4, 0))
    paste(offer, "\n-160\n-240\n\n-30\n", 0, 0)
    offer.wait_for_selector("#finding-0")
    assert "Option A has power in 1 ISP that the request does not speak of" in offer.inner_text("#findings")
    offer.click("text=Clear them")
    assert offer.input_value(cell(4, 0)) == ""


@pytest.fixture
def collision(offer: Page, stub: Stub) -> Page:
    """Another window saved while we typed -160."""
    other = {"option_reference": "X", "price": "9.00", "min_activation_factor": "1.00", "isps": []}
    stub.theirs = {"expires_at": "2026-11-24T11:30:00Z", "options": [other]}
    paste(offer, "-160\n", 1, 0)
    offer.wait_for_selector("#conflict:not([hidden])")
    return offer


def test_what_was_typed_stays_when_another_window_saved(collision: Page, stub: Stub) -> None:
    assert "Another version was saved." in collision.inner_text("#conflict")
    assert values(collision, 0) == ["", "−160", "", ""] and stub.saved == []
    collision.keyboard.press("Control+Enter")  # does not send before somebody has chosen
    assert collision.evaluate("document.activeElement.id") == "conflict"
    collision.click("#keep-mine")
    assert saved_option(stub, collision)["isps"][0]["power"] == -160_000
    assert collision.locator("#conflict").is_hidden()


def test_the_other_version_is_loaded_and_mine_comes_back_with_undo(collision: Page) -> None:
    collision.click("#load-theirs")
    assert collision.locator("th.name").count() == 1
    collision.keyboard.press("Control+z")
    assert values(collision, 0) == ["", "−160", "", ""] and collision.locator("th.name").count() == 2


def test_the_new_option_is_scaled_with_enter_and_nothing_with_escape(offer: Page) -> None:
    offer.click("[data-do=fit]")
    offer.click("[data-do=clone]")
    offer.click("[data-do=scale]")
    offer.fill("#scale-by", "50")
    offer.keyboard.press("Enter")
    assert values(offer, 2) == ["", "−80", "−120", ""]
    offer.click("[data-do=scale]")
    offer.keyboard.press("Escape")
    assert values(offer, 2) == ["", "−80", "−120", ""]
    assert values(offer, 0) == ["", "−160", "−240", ""]
