"""Who may do what at which route. A route that is not here fails the walk; so does a line without a route."""

from collections.abc import Mapping
from typing import Final

# What a method of a route needs.
READ: Final = "read"  # every member of the participant
READ_DSO: Final = "read dso"  # the same, and the participant is a DSO
OWN: Final = "own"  # every member, and it changes something of one's own
ACT: Final = "act"  # a member with the right to trade
MANAGE: Final = "manage"  # a member with the right to manage
ACT_AGR: Final = "act agr"  # the same, and the participant is an AGR
ACT_DSO: Final = "act dso"  # the same, and the participant is a DSO

Doors = Mapping[str, str]

# --- pages of a participant; whose, the address says ------------------------------------------------------

_SEE: Doors = {"GET": READ}
_DO: Doors = {"POST": ACT}

PAGES: Mapping[str, Doors] = {
    "agr-desk": _SEE,
    "agr-requests": _SEE,
    "agr-request": _SEE,
    "agr-offers": _SEE,
    "agr-offers-revoke": _DO,
    "agr-offer": _SEE,
    "agr-offer-new": _DO,
    "agr-offer-copy": _DO,
    "agr-offer-unsolicited": _DO,
    "agr-offer-edit": {"GET": ACT},
    "agr-offer-check": _DO,
    "agr-offer-save": _DO,
    "agr-offer-send": _DO,
    "agr-offer-schedule": _DO,
    "agr-offer-preview": _DO,
    "agr-offer-delete": _DO,
    "agr-offer-revoke": _DO,
    "agr-orders": _SEE,
    "agr-order": _SEE,
    "dso-desk": _SEE,
    "dso-point-answers": {"POST": MANAGE},
    "dso-requests": _SEE,
    "dso-request": _SEE,
    "dso-request-new": {"GET": ACT, "POST": ACT},
    "dso-request-edit": {"GET": ACT},
    "dso-request-check": _DO,
    "dso-request-save": _DO,
    "dso-request-send": _DO,
    "dso-request-preview": _DO,
    "dso-request-delete": _DO,
    "dso-offers": _SEE,
    "dso-offer": _SEE,
    "dso-offer-accept": _DO,
    "dso-offer-reject": _DO,
    "dso-offer-order": {"GET": ACT, "POST": ACT},
    "dso-orders": _SEE,
    "dso-order": _SEE,
    "console": _SEE,
    "console-message": _SEE,
    "console-raw": _SEE,
    "console-download": _SEE,
    "console-again": _DO,
    "console-process": _DO,
    "console-test": _DO,
    "tokens": _SEE,
    "token-new": {"GET": READ, "POST": OWN},
    "token-revoke": {"POST": OWN},
}

# --- the API ----------------------------------------------------------------------------------------------

API: Mapping[str, Doors] = {
    "api-me": _SEE,
    "api-point-list": _SEE,
    "api-point-detail": _SEE,
    "api-contract-list": _SEE,
    "api-contract-detail": _SEE,
    "api-request-list": _SEE,
    "api-request-detail": _SEE,
    "api-group-list": {"POST": ACT_DSO},
    "api-group-detail": {"GET": READ_DSO, "PUT": ACT_DSO, "DELETE": ACT_DSO},
    "api-group-check": {"POST": ACT_DSO},
    "api-group-preview": {"POST": ACT_DSO},
    "api-group-send": {"POST": ACT_DSO},
    "api-offer-list": {"GET": READ, "POST": ACT_AGR},
    "api-offer-detail": {"GET": READ, "PUT": ACT_AGR, "DELETE": ACT_AGR},
    "api-offer-check": {"POST": ACT_AGR},
    "api-offer-preview": {"POST": ACT_AGR},
    "api-offer-send": {"POST": ACT_AGR},
    "api-offer-schedule": {"POST": ACT_AGR},
    "api-offer-revoke": {"POST": ACT_AGR},
    "api-offer-accept": {"POST": ACT_DSO},
    "api-offer-reject": {"POST": ACT_DSO},
    "api-offer-order": {"POST": ACT_DSO},
    "api-order-list": _SEE,
    "api-order-detail": _SEE,
    "api-message-list": _SEE,
    "api-message-detail": _SEE,
    "api-message-raw": _SEE,
    "api-message-xml": _SEE,
    "api-message-again": _DO,
    "api-message-test": _DO,
}

# --- routes of nobody in particular: what each method answers ---------------------------------------------

PUBLIC: Mapping[str, Mapping[str, set[int]]] = {
    # Who is signed in already is led on; PUT is a POST to Django's form views.
    "account_login": dict.fromkeys(["GET", "POST", "PUT", "PATCH", "DELETE"], {200, 302, 405}),
    "mfa_authenticate": dict.fromkeys(["GET", "POST", "PUT", "PATCH", "DELETE"], {302}),
    "account_logout": {"POST": {302}},
    "live": {"GET": {200}},
    "ready": {"GET": {200}},
    "deep": {"GET": {403, 503}},  # the operator reads that no sweep runs in a test, and nobody else does
    "message": {"POST": {400, 411}},
}
SIGNED_IN: Mapping[str, Mapping[str, set[int]]] = {
    # One's own account and nobody else's: an address names a row of one's own or none.
    "account": {"GET": {200}},
    "mfa_index": {"GET": {200}},
    "sessions-end": {"POST": {302}},
    "session-end": {"POST": {404}},
    **dict.fromkeys(
        [
            "account_change_password",
            "account_reauthenticate",
            "mfa_activate_totp",
            "mfa_generate_recovery_codes",
        ],
        {"GET": {200}, "POST": {200, 302}, "PUT": {200, 302}},
    ),
    # Who has no second factor has nothing to turn off, to show or to confirm by.
    "mfa_reauthenticate": dict.fromkeys(["GET", "POST", "PUT", "PATCH", "DELETE"], {302}),
    "mfa_deactivate_totp": dict.fromkeys(["GET", "POST", "PUT", "PATCH", "DELETE"], {404}),
    "mfa_view_recovery_codes": {"GET": {404}},
    "home": {"GET": {200, 302}},
    "api-docs": {"GET": {200}},
    "api-schema": {"GET": {200}},
}

ADMIN: Final = "admin:"  # by rule: staff only


def kind_of(key: str) -> str | None:
    """How a route is classified; None for one that nobody has thought about."""
    if key.startswith((ADMIN, "admin/")):
        return "admin"
    tables = {"page": PAGES, "api": API, "public": PUBLIC, "signed in": SIGNED_IN}
    return next((kind for kind, table in tables.items() if key in table), None)
