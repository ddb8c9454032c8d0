"""Messages to begin with, and strategies for any message: what the tests of the protocol core share."""

from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from offers import uftp
from offers.uftp import simple
from offers.uftp.fields import Record, attributes, children

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OFFICIAL = ROOT.parent / "shared" / "uftp-xsd"
GOLDEN = sorted((HERE / "messages").glob("*.xml"))

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # 12:00 in Amsterdam, a Monday
TOMORROW = date(2026, 3, 3)
POINT = "ea1.2026-01.example.demo:station-west"
QUARTER = timedelta(minutes=15)
REQUEST_ID, OFFER_ID, ORDER_ID = (f"{n}0000000-5a1e-4c0d-9f00-0242ac130001" for n in (1, 2, 3))
CONVERSATION = "c0000000-5a1e-4c0d-9f00-0242ac130001"

MARKET = uftp.Market(
    congestion_point=POINT,
    isp_duration=QUARTER,
    time_zone="Europe/Amsterdam",
    currency="EUR",
    mutex_offers_supported=True,
    contracts=frozenset({"FLEX-2026-7"}),
)


def _metadata(sender: str, recipient: str, message_id: str) -> dict[str, Any]:
    return {
        "version": "3.1.0",
        "sender_domain": f"{sender}.demo.example",
        "recipient_domain": f"{recipient}.demo.example",
        "time_stamp": NOON,
        "message_id": message_id,
        "conversation_id": CONVERSATION,
    }


DAY: dict[str, Any] = {
    "isp_duration": QUARTER,
    "time_zone": "Europe/Amsterdam",
    "period": TOMORROW,
    "congestion_point": POINT,
}


def request(**given: Any) -> uftp.FlexRequest:
    """For ISP 69-76 of tomorrow, Requested, 200 kW less or more of it."""
    message = uftp.FlexRequest(
        **_metadata("dso", "agr", REQUEST_ID),
        **DAY,
        revision=1,
        expiration_date_time=NOON + timedelta(hours=6),
        isps=(
            uftp.RequestISP(
                disposition="Available", min_power=-900_000, max_power=400_000, start=1, duration=68
            ),
            uftp.RequestISP(disposition="Requested", min_power=-900_000, max_power=0, start=69, duration=8),
        ),
    )
    return replace(message, **given)


def rows(*given: tuple[int, str | None, int, int]) -> tuple[uftp.RequestISP, ...]:
    """From (start, disposition, min, max)."""
    return tuple(
        uftp.RequestISP(disposition=disposition, min_power=low, max_power=high, start=start)
        for start, disposition, low, high in given
    )


def isps(*given: tuple[int, int, int]) -> tuple[uftp.PowerISP, ...]:
    """From (start, duration, power)."""
    return tuple(uftp.PowerISP(start=start, duration=n, power=power) for start, n, power in given)


def option(
    reference: str = "A", price: str = "120.00", factor: str = "0.50", **given: Any
) -> uftp.OfferOption:
    made = uftp.OfferOption(
        option_reference=reference,
        price=Decimal(price),
        min_activation_factor=Decimal(factor),
        isps=isps((69, 8, -200_000)),
    )
    return replace(made, **given)


def offer(**given: Any) -> uftp.FlexOffer:
    message = uftp.FlexOffer(
        **_metadata("agr", "dso", OFFER_ID),
        **DAY,
        expiration_date_time=NOON + timedelta(hours=8),
        unsolicited=False,
        flex_request_message_id=REQUEST_ID,
        currency="EUR",
        options=(option(), option("B", "60.00", isps=isps((69, 4, -150_001)))),
    )
    return replace(message, **given)


def order(**given: Any) -> uftp.FlexOrder:
    """Option A of the offer, whole."""
    message = uftp.FlexOrder(
        **_metadata("dso", "agr", ORDER_ID),
        **DAY,
        unsolicited=False,
        flex_offer_message_id=OFFER_ID,
        price=Decimal("120.00"),
        currency="EUR",
        order_reference="ORD-1",
        option_reference="A",
        isps=isps((69, 8, -200_000)),
    )
    return replace(message, **given)


def prognosis(**given: Any) -> uftp.DPrognosis:
    message = uftp.DPrognosis(
        **_metadata("agr", "dso", OFFER_ID),
        **DAY,
        revision=1,
        isps=(uftp.PrognosisISP(power=300_000, start=1, duration=96),),
    )
    return replace(message, **given)


def response(**given: Any) -> uftp.FlexOfferResponse:
    message = uftp.FlexOfferResponse(
        **_metadata("dso", "agr", ORDER_ID), result="Accepted", flex_offer_message_id=OFFER_ID
    )
    return replace(message, **given)


# --- reasons --------------------------------------------------------------------------------------


def texts(reasons: list[uftp.Reason]) -> list[str]:
    return [reason.text for reason in reasons]


def one(reasons: list[uftp.Reason], field: str, text: str) -> None:
    """There is this reason and no other."""
    assert [(reason.field, reason.text) for reason in reasons] == [(field, text)]


# --- any message ----------------------------------------------------------------------------------

TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cn"), blacklist_characters="\ufffe\uffff").filter(
        lambda c: ord(c) >= 0x20 or c in "\t\n\r"
    ),
    max_size=30,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MONEY = st.integers(-(10**15), 10**15).map(lambda units: Decimal(units).scaleb(-4))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "UUIDType": st.uuids().map(str),
    "EntityAddressType": st.sampled_from([POINT, "ean.871234567890", "ea1.0000-13.é:<&\"'>"]),
    "InternetDomainType": st.from_regex(r"([a-z0-9]+(-[a-z0-9]+)*\.){1,3}[a-z]{2,9}", fullmatch=True),
    "ISO4217CurrencyType": st.sampled_from(["EUR", "JPY", "BHD", "CLF", "XXX"]),
    "TimeZoneNameType": st.sampled_from(["Europe/Amsterdam", "Australia/Lord_Howe", "Europe/NoSuchPlace"]),
    "USEF-RoleType": st.sampled_from(["AGR", "CRO", "DSO"]),
    "AcceptedRejectedType": st.sampled_from(["Accepted", "Rejected"]),
    "AvailableRequestedType": st.sampled_from(["Available", "Requested"]),
    "integer": st.integers(-(10**15) + 1, 10**15 - 1),
    "positiveInteger": st.integers(1, 10**15 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "CurrencyAmountType": MONEY,
    "ActivationFactorType": st.integers(1, 100).map(lambda percent: Decimal(percent).scaleb(-2)),
    "boolean": st.booleans(),
    "PeriodType": st.dates(simple.EARLIEST, simple.LATEST),
    "dateTime": st.datetimes(datetime(1, 1, 4), datetime(9999, 12, 28), timezones=OFFSETS),
    "duration": st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6)),
    "base64Binary": st.binary(max_size=80),
}


@st.composite
def records(draw: st.DrawFn, kind: type[Record], version: str) -> Any:
    """Any record that can be written under `version`; what cannot be said there is left at its default."""
    given: dict[str, Any] = {}
    for field in attributes(kind):
        if field.python_name == "version":
            given["version"] = draw(st.sampled_from([version, version[:-1] + "7"]))
        elif field.required_in(version) or (field.exists_in(version) and draw(st.booleans())):
            given[field.python_name] = draw(VALUES[field.spec.type.name])
    for nested in children(kind):
        items = records(nested.item, version)
        given[nested.python_name] = tuple(draw(st.lists(items, min_size=nested.spec.least, max_size=4)))
    return kind(**given)


def defaults(kind: type[Record]) -> dict[str, Any]:
    return {field.name: field.default for field in fields(kind) if field.default is not MISSING}
