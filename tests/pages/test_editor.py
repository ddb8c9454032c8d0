"""The offer editor in a real browser: nothing typed is lost, all is said."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page

from .stub import Stub, cell, paste, said, saved_option, values

pytestmark = [pytest.mark.browser, pytest.mark.pages]


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


def closed_with(page: Page, key: str) -> None:
    """Press it in the open dialog, and wait until the page has heard that it is closed."""
    page.evaluate("() => { window.heard = new Promise(done => addEventListener('close', done, true)) }")
    page.keyboard.press(key)
    page.evaluate("() => window.heard.then(() => new Promise(done => setTimeout(done)))")


def test_the_new_option_is_scaled_with_enter_and_nothing_with_escape(offer: Page) -> None:
    offer.click("[data-do=fit]")
    offer.click("[data-do=clone]")
    offer.click("[data-do=scale]")
    offer.fill("#scale-by", "50")
    closed_with(offer, "Enter")
    assert values(offer, 2) == ["", "−80", "−120", ""]
    offer.click("[data-do=scale]")
    closed_with(offer, "Escape")
    assert values(offer, 2) == ["", "−80", "−120", ""]
    assert values(offer, 0) == ["", "−160", "−240", ""]


def test_who_types_on_and_on_is_saved_on_the_way(offer: Page, stub: Stub) -> None:
    offer.clock.install()
    for power in range(1, 8):
        offer.fill(cell(1, 0), f"-{power}")
        offer.clock.run_for(1000)
    saved_option(stub, offer)
    assert stub.saved[0]["options"][0]["isps"][0]["power"] in (-3000, -4000)


def test_a_tab_that_is_put_away_is_saved_at_once(offer: Page, stub: Stub) -> None:
    offer.clock.install()
    offer.clock.pause_at(datetime.now() + timedelta(minutes=1))  # so that no timer saves it
    offer.fill(cell(1, 0), "-7")
    offer.evaluate(
        """() => {
            Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
            document.dispatchEvent(new Event('visibilitychange'))
        }"""
    )
    assert saved_option(stub, offer)["isps"][0]["power"] == -7000


def test_a_double_click_opens_a_dialog_and_does_not_close_it_again(offer: Page) -> None:
    offer.click("[data-do=fit]")
    offer.locator("[data-do=scale]").dblclick()
    assert offer.locator("dialog#scale").evaluate("dialog => dialog.open")
    offer.mouse.click(5, 5)
    assert not offer.locator("dialog#scale").evaluate("dialog => dialog.open")


def test_who_is_signed_out_and_has_no_form_token_is_told_so_and_saved_later(offer: Page, stub: Stub) -> None:
    offer.route("**/save", lambda route: route.fulfill(status=403, body="no token"))
    offer.route("**/editor", lambda route: route.fulfill(status=302, headers={"Location": "/login"}))
    stub.pages["/login"] = "Log in"
    offer.fill(cell(1, 0), "-7")
    offer.wait_for_selector("#saved >> text=you are signed out")
    offer.unroute_all()
    assert saved_option(stub, offer)["isps"][0]["power"] == -7000


def test_what_was_sent_from_another_window_is_said_in_the_open_and_can_be_opened(
    offer: Page, stub: Stub
) -> None:
    told = {"sentence": "FlexOffer is accepted: it cannot be changed any more."}
    offer.route("**/save", lambda route: route.fulfill(status=409, json=told))
    offer.fill(cell(1, 0), "-7")
    offer.wait_for_selector(
        "#conflict >> text=cannot be changed any more. What you typed here is not part of it."
    )
    assert offer.inner_text("#saved") == "not saved: this is no draft any more"
    assert offer.is_hidden("#keep-mine") and offer.is_hidden("#load-theirs")
    with offer.expect_popup() as opened:
        offer.click("#open-theirs")
    assert opened.value.url == offer.url
    offer.click("#send")
    assert not offer.locator("dialog#confirm").evaluate("dialog => dialog.open")
    assert values(offer, 0)[1] == "−7"
