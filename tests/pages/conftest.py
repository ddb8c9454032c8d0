"""The offer editor and the request composer, open in a real browser."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from .stub import Stub, cell, composer, editor, handler

REFUSED = ("409 (Conflict)", "403 (Forbidden)")  # the browser's own words on an answer that the page expects


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub({"/editor": editor(), "/longer": editor(None), "/composer": composer()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(stub))
    stub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(chromium: Browser, stub: Stub) -> Iterator[Page]:
    """A page whose console must stay empty: a refused script or style is an error there."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    own = (stub.url, "blob:", "data:")
    page.on("request", lambda request: request.url.startswith(own) or complaints.append(request.url))
    yield page
    context.close()
    assert [text for text in complaints if not text.endswith(REFUSED)] == []


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
