"""The real templates and scripts under the portal's own content policy; behind them stands a stub that judges
a draft by one made-up limit and keeps what was saved."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from playwright.sync_api import Page

from offers import charts

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
    known = {"token": "before", "currency": "EUR", "draft": draft, "findings": []}
    data = {**URLS, "request": {"isps": rows}, **known}
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
