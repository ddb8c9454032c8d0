"""Every page in the browser: it fits its window, draws its charts, and keeps to the policy."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.test_main_job import AGR, DSO

pytestmark = [pytest.mark.browser, pytest.mark.pages]

# Colours have no width: each size in one scheme shows both.
WINDOWS = [({"width": 1440, "height": 900}, "dark"), ({"width": 390, "height": 844}, "light")]
PAGES = {
    "trader": ["", "requests/", "offers/", "orders/", "console/", "tokens/"],
    "dso": ["", "requests/", "requests/new/", "offers/", "orders/", "console/", "tokens/"],
}


@pytest.mark.parametrize(("viewport", "scheme"), WINDOWS, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_its_window(
    sign_in: SignIn, name: str, viewport: dict[str, int], scheme: str
) -> None:
    page = sign_in(name, viewport, scheme)
    base = AGR if name == "trader" else DSO
    for path in PAGES[name]:
        page.goto(f"{base}/{path}")
        expect(page.locator(".plot-wait")).to_have_count(0)  # all charts are drawn
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
