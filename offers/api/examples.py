"""Bodies that the schema shows, so that a first call can be made from it."""

from typing import Any

REQUEST_DRAFT: dict[str, Any] = {
    "expires_at": "2026-03-02T16:00:00+01:00",
    "contract_id": "",
    "service_type": "",
    "isps": [
        {
            "start": 69,
            "duration": 8,
            "disposition": "Requested",
            "min_power": -3000000,
            "max_power": -200000,
        },
        {"start": 77, "duration": 4, "disposition": "Available", "min_power": -3000000, "max_power": 100000},
    ],
}
REQUEST: dict[str, Any] = {
    "congestion_point": "ea1.2026-01.example.demo:station-west",
    "period": "2026-03-03",
    "recipients": ["agr.demo.example"],
    **REQUEST_DRAFT,
}
OFFER_DRAFT: dict[str, Any] = {
    "expires_at": "2026-03-02T15:30:00+01:00",
    "baseline_reference": "",
    "options": [
        {
            "option_reference": "A",
            "price": "101.40",
            "min_activation_factor": "0.40",
            "isps": [{"start": 69, "duration": 8, "power": -200000}],
        },
        {
            "option_reference": "B",
            "price": "126.15",
            "min_activation_factor": "1.00",
            "isps": [{"start": 69, "duration": 8, "power": -260000}],
        },
    ],
}
OFFER: dict[str, Any] = {"flex_request": 12, **OFFER_DRAFT}
UNSOLICITED: dict[str, Any] = {
    "congestion_point": "ea1.2026-01.example.demo:station-west",
    "period": "2026-03-03",
    **OFFER_DRAFT,
}
