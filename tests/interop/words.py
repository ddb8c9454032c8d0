"""What both sides say in an interop test: a request for tomorrow evening, and an offer with three options."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
POINT = "ea1.2026-01.example.demo:station-west"
OPTIONS = {
    "A": ("101.40", -200_000, "0.40"),
    "B": ("55.00", -120_000, "0.50"),
    "C": ("126.15", -260_000, "1.00"),
}
ISPS = range(69, 77)


def in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def tomorrow() -> str:
    return (datetime.now(AMSTERDAM).date() + timedelta(days=1)).isoformat()


def flex() -> dict[str, Any]:
    """The attributes that every flex message of the library needs."""
    return {
        "isp_duration": "PT15M",
        "time_zone": "Europe/Amsterdam",
        "period": tomorrow(),
        "congestion_point": POINT,
    }


def request_isps() -> list[dict[str, Any]]:
    return [
        {
            "disposition": "Requested",
            "min_power": -3_000_000,
            "max_power": -100_000,
            "start": 69,
            "duration": 8,
        }
    ]


def isps(power: int) -> list[dict[str, Any]]:
    return [{"power": power, "start": number, "duration": 1} for number in ISPS]


def our_request() -> dict[str, Any]:
    return {"expires_at": in_hours(2), "contract_id": "", "service_type": "", "isps": request_isps()}


def our_offer() -> dict[str, Any]:
    options = [
        {"option_reference": name, "price": price, "min_activation_factor": least, "isps": isps(power)}
        for name, (price, power, least) in OPTIONS.items()
    ]
    return {"expires_at": in_hours(1), "contract_id": "", "options": options}


def their_request(revision: int = 1) -> dict[str, Any]:
    return {**flex(), "revision": revision, "expiration_date_time": in_hours(2), "isps": request_isps()}


def their_offer(request_id: str | None) -> dict[str, Any]:
    options = [
        {"option_reference": name, "price": price, "min_activation_factor": least, "isps": isps(power)}
        for name, (price, power, least) in OPTIONS.items()
    ]
    return {
        **flex(),
        "expiration_date_time": in_hours(1),
        "flex_request_message_id": request_id,
        "currency": "EUR",
        "offer_options": options,
    }


def their_order(offer_id: str, option: str, factor: str = "1.00") -> dict[str, Any]:
    price, power, _ = OPTIONS[option]
    return {
        **flex(),
        "flex_offer_message_id": offer_id,
        "price": price,
        "currency": "EUR",
        "order_reference": f"order of {option}",
        "option_reference": option,
        "activation_factor": factor,
        "isps": isps(power),
    }
