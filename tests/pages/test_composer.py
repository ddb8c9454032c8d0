"""The request composer in a real browser: what is pasted and derived is what is asked."""

import pytest
from playwright.sync_api import Page

from .stub import Stub, cell, paste

pytestmark = [pytest.mark.browser, pytest.mark.pages]


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
