"""The page to try the API, in a browser: a call is made for real, and the content policy refuses nothing."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.pages]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_test_message_is_sent_from_the_page(sign_in: SignIn, scheme: str) -> None:
    page = sign_in("trader", scheme=scheme)
    page.goto("/api/docs/")
    call = page.locator("[id$=messages_test_create]")
    call.locator(".opblock-summary-control").click()
    call.locator("button.execute").click()
    expect(call.locator(".live-responses-table .response-col_status").last).to_have_text("201")


def test_a_new_token_is_shown_and_revoked(sign_in: SignIn) -> None:
    page = sign_in("trader")
    page.goto("/agr/agr.demo.example/tokens/new/")
    page.fill("[name=name]", "Optimiser")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#secret")).to_contain_text("fxp_")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Revoke").click()
    page.locator("dialog#confirm[open] button[value=yes]").click()
    expect(page.get_by_text("Optimiser was revoked")).to_be_visible()
