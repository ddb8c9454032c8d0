"""The catalogue: every message of the protocol that Flexportal speaks, one frozen dataclass each.

Power is in watts; positive is consumption, negative production (protocol.md §6.1). Powers in requests,
offers and orders are deviations from the baseline, those of a D-Prognosis are absolute averages.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar

from .fields import (
    VERSIONS,
    Attribute,
    Canonical,
    Children,
    PayloadMessage,
    Record,
    attributes,
    children,
    wire_version,
)
from .simple import (
    ACTIVATION_FACTOR,
    BASE64,
    BOOLEAN,
    CURRENCY,
    CURRENCY_AMOUNT,
    DATE_TIME,
    DISPOSITION,
    DURATION,
    ENTITY_ADDRESS,
    INTEGER,
    INTERNET_DOMAIN,
    LONG,
    NAME,
    PERIOD,
    POSITIVE_INTEGER,
    RESULT,
    ROLE,
    STRING,
    TIME_ZONE,
    UUID,
)

__all__ = ["CATALOGUE", "VERSIONS", "PayloadMessage", "Record", "attributes", "children", "wire_version"]

ONE = Decimal("1.00")
FROM_3_1 = ("3.1.0",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage(Record):
    """The envelope: who signed, in which role, and the sealed bytes. The same in all versions."""

    XML_NAME: ClassVar[str] = "SignedMessage"

    sender_domain: Annotated[str, Attribute("SenderDomain", INTERNET_DOMAIN)]
    sender_role: Annotated[str, Attribute("SenderRole", ROLE)]
    body: Annotated[bytes, Attribute("Body", BASE64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseMessage(PayloadMessage):
    """What every response but TestMessageResponse has: Accepted or Rejected, and why."""

    is_response: ClassVar[bool] = True

    result: Annotated[str, Attribute("Result", RESULT)]
    rejection_reason: Annotated[str | None, Attribute("RejectionReason", STRING)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexMessage(PayloadMessage):
    """What every message about one day at one congestion point has."""

    isp_duration: Annotated[timedelta, Attribute("ISP-Duration", DURATION)]
    time_zone: Annotated[str, Attribute("TimeZone", TIME_ZONE)]
    period: Annotated[date, Attribute("Period", PERIOD)]
    congestion_point: Annotated[str, Attribute("CongestionPoint", ENTITY_ADDRESS)]


# --- any role to any role -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMessageResponse(PayloadMessage):
    """In 3.x it has neither a Result nor a reference: only the conversation tells what it answers."""

    __test__: ClassVar[bool] = False
    XML_NAME: ClassVar[str] = "TestMessageResponse"
    is_response: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMessage(PayloadMessage):
    __test__: ClassVar[bool] = False
    XML_NAME: ClassVar[str] = "TestMessage"
    response_type: ClassVar[type[PayloadMessage] | None] = TestMessageResponse


# --- D-Prognosis, AGR to DSO ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOrderStatus(Canonical):
    """Whether an earlier order is recognised in the prognosis that is answered."""

    flex_order_message_id: Annotated[str, Attribute("FlexOrderMessageID", UUID)]
    is_validated: Annotated[bool, Attribute("IsValidated", BOOLEAN)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DPrognosisResponse(ResponseMessage):
    XML_NAME: ClassVar[str] = "D-PrognosisResponse"
    SENDER_ROLE: ClassVar[str | None] = "DSO"
    RECIPIENT_ROLE: ClassVar[str | None] = "AGR"
    REFERENCE: ClassVar[str | None] = "d_prognosis_message_id"

    d_prognosis_message_id: Annotated[str, Attribute("D-PrognosisMessageID", UUID)]
    flex_order_statuses: Annotated[
        tuple[FlexOrderStatus, ...], Children("FlexOrderStatus", "FlexOrderStatusType", least=0)
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrognosisISP(Record):
    """Average power in watts; the schema lets Start and Duration be any whole number here."""

    power: Annotated[int, Attribute("Power", INTEGER)]
    start: Annotated[int, Attribute("Start", INTEGER)]
    duration: Annotated[int, Attribute("Duration", INTEGER, default="1")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DPrognosis(FlexMessage):
    """What an AGR expects its prosumers to consume or produce at a congestion point on a day."""

    XML_NAME: ClassVar[str] = "D-Prognosis"
    SENDER_ROLE: ClassVar[str | None] = "AGR"
    RECIPIENT_ROLE: ClassVar[str | None] = "DSO"
    response_type: ClassVar[type[PayloadMessage] | None] = DPrognosisResponse

    revision: Annotated[int, Attribute("Revision", LONG)]
    isps: Annotated[tuple[PrognosisISP, ...], Children("ISP", "D-PrognosisISPType")]


# --- FlexRequest, DSO to AGR ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexRequestResponse(ResponseMessage):
    XML_NAME: ClassVar[str] = "FlexRequestResponse"
    SENDER_ROLE: ClassVar[str | None] = "AGR"
    RECIPIENT_ROLE: ClassVar[str | None] = "DSO"
    REFERENCE: ClassVar[str | None] = "flex_request_message_id"

    flex_request_message_id: Annotated[str, Attribute("FlexRequestMessageID", UUID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestISP(Record):
    """The bounds in watts within which the deviation of each ISP may lie, and whether it is Requested."""

    disposition: Annotated[str | None, Attribute("Disposition", DISPOSITION)] = None
    min_power: Annotated[int, Attribute("MinPower", INTEGER)]
    max_power: Annotated[int, Attribute("MaxPower", INTEGER)]
    start: Annotated[int, Attribute("Start", POSITIVE_INTEGER)]
    duration: Annotated[int, Attribute("Duration", POSITIVE_INTEGER, default="1")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexRequest(FlexMessage):
    """What a DSO needs at a congestion point on a day, and what room it leaves."""

    XML_NAME: ClassVar[str] = "FlexRequest"
    SENDER_ROLE: ClassVar[str | None] = "DSO"
    RECIPIENT_ROLE: ClassVar[str | None] = "AGR"
    response_type: ClassVar[type[PayloadMessage] | None] = FlexRequestResponse

    revision: Annotated[int, Attribute("Revision", LONG)]
    expiration_date_time: Annotated[datetime, Attribute("ExpirationDateTime", DATE_TIME)]
    contract_id: Annotated[str | None, Attribute("ContractID", STRING)] = None
    service_type: Annotated[str | None, Attribute("ServiceType", STRING)] = None
    isps: Annotated[tuple[RequestISP, ...], Children("ISP", "FlexRequestISPType")]


# --- FlexOffer and its revocation, AGR to DSO -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOfferResponse(ResponseMessage):
    XML_NAME: ClassVar[str] = "FlexOfferResponse"
    SENDER_ROLE: ClassVar[str | None] = "DSO"
    RECIPIENT_ROLE: ClassVar[str | None] = "AGR"
    REFERENCE: ClassVar[str | None] = "flex_offer_message_id"

    flex_offer_message_id: Annotated[str, Attribute("FlexOfferMessageID", UUID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerISP(Record):
    """The deviation from the baseline in watts in each ISP from `start`, `duration` of them."""

    power: Annotated[int, Attribute("Power", INTEGER)]
    start: Annotated[int, Attribute("Start", POSITIVE_INTEGER)]
    duration: Annotated[int, Attribute("Duration", POSITIVE_INTEGER, default="1")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferOption(Record):
    """One of the mutually exclusive options of an offer; the price is for all of it."""

    option_reference: Annotated[str, Attribute("OptionReference", NAME)]
    price: Annotated[Decimal, Attribute("Price", CURRENCY_AMOUNT)]
    min_activation_factor: Annotated[
        Decimal, Attribute("MinActivationFactor", ACTIVATION_FACTOR, default="1.00")
    ] = ONE
    isps: Annotated[tuple[PowerISP, ...], Children("ISP", "FlexOfferOptionISPType")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOffer(FlexMessage):
    """What an AGR offers to do, in one or more options of which one can be ordered."""

    XML_NAME: ClassVar[str] = "FlexOffer"
    SENDER_ROLE: ClassVar[str | None] = "AGR"
    RECIPIENT_ROLE: ClassVar[str | None] = "DSO"
    response_type: ClassVar[type[PayloadMessage] | None] = FlexOfferResponse

    expiration_date_time: Annotated[datetime, Attribute("ExpirationDateTime", DATE_TIME)]
    unsolicited: Annotated[
        bool | None, Attribute("Unsolicited", BOOLEAN, versions=FROM_3_1, implied=True)
    ] = None
    flex_request_message_id: Annotated[str | None, Attribute("FlexRequestMessageID", UUID)] = None
    contract_id: Annotated[str | None, Attribute("ContractID", STRING)] = None
    d_prognosis_message_id: Annotated[str | None, Attribute("D-PrognosisMessageID", UUID)] = None
    baseline_reference: Annotated[str | None, Attribute("BaselineReference", STRING)] = None
    currency: Annotated[str, Attribute("Currency", CURRENCY)]
    options: Annotated[tuple[OfferOption, ...], Children("OfferOption", "FlexOfferOptionType")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOfferRevocationResponse(ResponseMessage):
    XML_NAME: ClassVar[str] = "FlexOfferRevocationResponse"
    SENDER_ROLE: ClassVar[str | None] = "DSO"
    RECIPIENT_ROLE: ClassVar[str | None] = "AGR"
    REFERENCE: ClassVar[str | None] = "flex_offer_revocation_message_id"

    flex_offer_revocation_message_id: Annotated[str, Attribute("FlexOfferRevocationMessageID", UUID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOfferRevocation(PayloadMessage):
    """Takes an offer back that was not ordered yet."""

    XML_NAME: ClassVar[str] = "FlexOfferRevocation"
    SENDER_ROLE: ClassVar[str | None] = "AGR"
    RECIPIENT_ROLE: ClassVar[str | None] = "DSO"
    response_type: ClassVar[type[PayloadMessage] | None] = FlexOfferRevocationResponse

    flex_offer_message_id: Annotated[str, Attribute("FlexOfferMessageID", UUID)]


# --- FlexOrder, DSO to AGR ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOrderResponse(ResponseMessage):
    XML_NAME: ClassVar[str] = "FlexOrderResponse"
    SENDER_ROLE: ClassVar[str | None] = "AGR"
    RECIPIENT_ROLE: ClassVar[str | None] = "DSO"
    REFERENCE: ClassVar[str | None] = "flex_order_message_id"

    flex_order_message_id: Annotated[str, Attribute("FlexOrderMessageID", UUID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexOrder(FlexMessage):
    """Orders one option of an offer, whole or at a factor; without an offer it is a direct order (3.1)."""

    XML_NAME: ClassVar[str] = "FlexOrder"
    SENDER_ROLE: ClassVar[str | None] = "DSO"
    RECIPIENT_ROLE: ClassVar[str | None] = "AGR"
    response_type: ClassVar[type[PayloadMessage] | None] = FlexOrderResponse

    unsolicited: Annotated[
        bool | None, Attribute("Unsolicited", BOOLEAN, versions=FROM_3_1, implied=True)
    ] = None
    flex_offer_message_id: Annotated[
        str | None, Attribute("FlexOfferMessageID", UUID, required_in=("3.0.0",))
    ] = None
    service_type: Annotated[str | None, Attribute("ServiceType", STRING, versions=FROM_3_1)] = None
    contract_id: Annotated[str | None, Attribute("ContractID", STRING)] = None
    d_prognosis_message_id: Annotated[str | None, Attribute("D-PrognosisMessageID", UUID)] = None
    baseline_reference: Annotated[str | None, Attribute("BaselineReference", STRING)] = None
    price: Annotated[Decimal, Attribute("Price", CURRENCY_AMOUNT)]
    currency: Annotated[str, Attribute("Currency", CURRENCY)]
    order_reference: Annotated[str, Attribute("OrderReference", STRING)]
    option_reference: Annotated[str | None, Attribute("OptionReference", NAME)] = None
    activation_factor: Annotated[
        Decimal, Attribute("ActivationFactor", ACTIVATION_FACTOR, default="1.00")
    ] = ONE
    isps: Annotated[tuple[PowerISP, ...], Children("ISP", "FlexOrderISPType")]


def unsolicited(version: str, reference: str | None) -> bool | None:
    """D15: what to write in Unsolicited: the truth under 3.1.0, nothing under 3.0.0. `reference` is the
    FlexRequestMessageID of an offer or the FlexOfferMessageID of an order."""
    return None if wire_version(version) == "3.0.0" else reference is None


MESSAGES: tuple[type[PayloadMessage], ...] = (
    TestMessage,
    TestMessageResponse,
    DPrognosis,
    DPrognosisResponse,
    FlexRequest,
    FlexRequestResponse,
    FlexOffer,
    FlexOfferResponse,
    FlexOfferRevocation,
    FlexOfferRevocationResponse,
    FlexOrder,
    FlexOrderResponse,
)
CATALOGUE: dict[str, type[PayloadMessage]] = {message.XML_NAME: message for message in MESSAGES}
