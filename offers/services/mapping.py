"""Rows to messages and messages to rows; drafts, as typed, to values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

from offers import figures, models, uftp
from offers.domain import OfferState

from . import sql

Segment = dict[str, Any]  # {"start": 69, "duration": 1, "power": -120000}; watts, minus = less consumption


class Head(TypedDict):
    """The attributes that every message carries."""

    version: str
    sender_domain: str
    recipient_domain: str
    time_stamp: datetime
    message_id: str
    conversation_id: str


def head(
    owner: models.Participant,
    counterparty: models.Participant,
    now: datetime,
    message_id: str,
    conversation_id: str,
    version: str | None = None,
) -> Head:
    """In the version that the counterparty speaks; an answer in the one it was asked in, if we speak that."""
    return Head(
        version=_spoken(version, counterparty.version, uftp.VERSIONS[-1]),
        sender_domain=owner.domain,
        recipient_domain=counterparty.domain,
        time_stamp=now,
        message_id=message_id,
        conversation_id=conversation_id,
    )


def _spoken(*versions: str | None) -> str:
    """The first of these versions that we speak."""
    return next(known for version in versions if version and (known := uftp.wire_version(version)))


Daily = uftp.FlexRequest | uftp.FlexOffer | uftp.FlexOrder | uftp.DPrognosis  # messages about one day


class Flex(TypedDict):
    isp_duration: Any
    time_zone: str
    period: date
    congestion_point: str


def flex(point: models.CongestionPoint, period: date) -> Flex:
    return Flex(
        isp_duration=point.isp_duration,
        time_zone=point.time_zone,
        period=period,
        congestion_point=point.entity_address,
    )


def market_of(
    point: models.CongestionPoint | None,
    owner: models.Participant,
    counterparty: models.Participant,
    message: Daily,
) -> uftp.Market | None:
    """What the rules must know of the market between two parties, as far as it concerns this message; None
    where they do not trade."""
    if point is None or not trade_at(point, owner, counterparty):
        return None
    return uftp.Market(
        congestion_point=point.entity_address,
        isp_duration=point.isp_duration,
        time_zone=point.time_zone,
        currency=point.currency,
        mutex_offers_supported=point.mutex_offers_supported,
        contracts=_contracts_of(message, point, owner, counterparty),
        prognoses=_prognoses_of(message, owner, counterparty),
    )


def _contracts_of(
    message: Daily,
    point: models.CongestionPoint,
    owner: models.Participant,
    counterparty: models.Participant,
) -> frozenset[str]:
    """The contract that a message names, if it is one that holds on its day; most messages name none."""
    named = getattr(message, "contract_id", None)
    if named is None:
        return frozenset()
    holding = models.Contract.objects.between(owner, counterparty).on(message.period)
    found = holding.filter(congestion_point=point, contract_id=named)
    return frozenset(found.values_list("contract_id", flat=True))


def _prognoses_of(
    message: Daily, owner: models.Participant, counterparty: models.Participant
) -> frozenset[str]:
    """The D-Prognosis that a message refers to, if it was accepted; most refer to none."""
    named = getattr(message, "d_prognosis_message_id", None)
    if named is None:
        return frozenset()
    known = models.Prognosis.objects.filter(owner=owner, counterparty=counterparty, state="accepted")
    return frozenset(known.filter(message__message_id=named).values_list("message__message_id", flat=True))


def trade_at(point: models.CongestionPoint, one: models.Participant, other: models.Participant) -> bool:
    """Whether one of the two is the point's DSO and the other an AGR that is active there."""
    if point.dso_id not in (one.pk, other.pk):
        return False
    agr = other.pk if point.dso_id == one.pk else one.pk
    active = models.CongestionPoint.agrs.through
    return sql.find(active, congestionpoint=point.pk, participant=agr) is not None


def contract_of(
    contract_id: str | None, owner: models.Participant, counterparty: models.Participant
) -> models.Contract | None:
    if not contract_id:
        return None
    return models.Contract.objects.between(owner, counterparty).filter(contract_id=contract_id).first()


# --- ISP lists ------------------------------------------------------------------------------------


def power_isps(segments: Iterable[Mapping[str, Any]]) -> tuple[uftp.PowerISP, ...]:
    return tuple(
        uftp.PowerISP(power=s["power"], start=s["start"], duration=s.get("duration", 1)) for s in segments
    )


def power_segments(isps: Iterable[uftp.PowerISP | uftp.PrognosisISP]) -> list[Segment]:
    return [{"start": isp.start, "duration": isp.duration, "power": isp.power} for isp in isps]


def request_isps(segments: Iterable[Mapping[str, Any]]) -> tuple[uftp.RequestISP, ...]:
    return tuple(
        uftp.RequestISP(
            disposition=s.get("disposition"),
            min_power=s["min_power"],
            max_power=s["max_power"],
            start=s["start"],
            duration=s.get("duration", 1),
        )
        for s in segments
    )


def request_segments(isps: Iterable[uftp.RequestISP]) -> list[Segment]:
    return [
        {
            "start": isp.start,
            "duration": isp.duration,
            "disposition": isp.disposition,
            "min_power": isp.min_power,
            "max_power": isp.max_power,
        }
        for isp in isps
    ]


def profile(segments: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Watts per ISP number of a stored list."""
    return {
        number: segment["power"]
        for segment in segments
        for number in range(segment["start"], segment["start"] + segment.get("duration", 1))
    }


def request_profile(segments: Iterable[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The segment that holds for each ISP number of a stored request."""
    return {
        number: segment
        for segment in segments
        for number in range(segment["start"], segment["start"] + segment.get("duration", 1))
    }


def segment_like(powers: Mapping[int, int], pattern: Sequence[Mapping[str, Any]]) -> list[Segment]:
    """Cut a profile into the segments of `pattern` wherever its power is constant there (D8)."""
    left, segments = dict(powers), []
    for piece in pattern:
        numbers = range(piece["start"], piece["start"] + piece.get("duration", 1))
        values = {left.get(number) for number in numbers}
        if len(values) == 1 and None not in values:
            segments.append({"start": numbers[0], "duration": len(numbers), "power": left[numbers[0]]})
            for number in numbers:
                del left[number]
    segments += [{"start": number, "duration": 1, "power": power} for number, power in left.items()]
    return sorted(segments, key=lambda segment: segment["start"])


def energy_wh(segments: Iterable[Mapping[str, Any]], point: models.CongestionPoint) -> int:
    """The energy of a power list in watt-hours, signed like the power."""
    return figures.energy_wh(segments, point.isp_duration)


def peak_w(segments: Iterable[Mapping[str, Any]]) -> int:
    """The power that is furthest from zero, in watts."""
    return max((int(segment["power"]) for segment in segments), key=abs, default=0)


# --- requests -------------------------------------------------------------------------------------


def request_message(row: models.FlexRequest, message: Head) -> uftp.FlexRequest:
    """What a stored or parsed request says on the wire."""
    if row.expires_at is None:
        raise ValueError(f"{row} has no ExpirationDateTime")
    return uftp.FlexRequest(
        **message,
        **flex(row.congestion_point, row.period),
        revision=row.revision,
        expiration_date_time=row.expires_at,
        contract_id=row.contract.contract_id if row.contract else None,
        service_type=row.service_type or None,
        isps=request_isps(row.isps),
    )


def stored_head(message: models.Message) -> Head:
    """The head of a message that went or came before, as far as the rules need it."""
    sender, recipient = message.owner, message.counterparty
    if message.is_in:
        sender, recipient = recipient, sender
    return Head(
        version=uftp.wire_version(message.version) or uftp.VERSIONS[-1],
        sender_domain=sender.domain,
        recipient_domain=recipient.domain,
        time_stamp=message.created_at,
        message_id=message.message_id,
        conversation_id=message.conversation_id,
    )


def stored_request(row: models.FlexRequest | None) -> uftp.FlexRequest | None:
    if row is None or row.message is None:
        return None
    return request_message(row, stored_head(row.message))


# --- offers ---------------------------------------------------------------------------------------


def option_message(option: models.OfferOption) -> uftp.OfferOption:
    return uftp.OfferOption(
        option_reference=option.option_reference,
        price=option.price,
        min_activation_factor=option.min_factor,
        isps=power_isps(option.isps),
    )


def offer_message(
    row: models.FlexOffer,
    options: Sequence[uftp.OfferOption],
    expires_at: datetime,
    message: Head,
    contract_id: str | None,
) -> uftp.FlexOffer:
    """An offer as it goes out; Unsolicited is written explicitly under 3.1.0 and never under 3.0.0 (D15)."""
    request = row.flex_request
    request_id = request.message.message_id if request is not None and request.message is not None else None
    return uftp.FlexOffer(
        **message,
        **flex(row.congestion_point, row.period),
        expiration_date_time=expires_at,
        flex_request_message_id=request_id,
        contract_id=contract_id,
        d_prognosis_message_id=row.d_prognosis_message_id or None,
        baseline_reference=row.baseline_reference or None,
        currency=row.currency,
        unsolicited=uftp.unsolicited(message["version"], request_id),
        options=tuple(options),
    )


def stored_offer(row: models.FlexOffer) -> uftp.FlexOffer:
    """The offer as it was sent or received, for the rules of an order."""
    if row.message is None or row.expires_at is None:
        raise ValueError(f"{row} was never sent")
    options = [option_message(option) for option in row.options.all()]
    contract_id = row.contract.contract_id if row.contract else None
    return offer_message(row, options, row.expires_at, stored_head(row.message), contract_id)


def add_options(row: models.FlexOffer, options: Iterable[uftp.OfferOption]) -> None:
    """Store the options of an offer."""
    models.OfferOption.objects.bulk_create(
        models.OfferOption(
            flex_offer=row,
            position=position,
            option_reference=option.option_reference,
            price=option.price,
            min_activation_factor=hundredths(option.min_activation_factor),
            isps=(segments := power_segments(option.isps)),
            energy_wh=energy_wh(segments, row.congestion_point),
            peak_w=peak_w(segments),
        )
        for position, option in enumerate(options)
    )


OFFER_STANDING: Mapping[str, str] = {
    OfferState.SENT: "open",
    OfferState.ACCEPTED: "open",
    OfferState.ORDERING: "open",
    OfferState.FAILED: "open",
    OfferState.EXPIRED: "open",  # whether it is too late is judged by the clock, not by the sweep
    OfferState.ORDERED: "ordered",
    OfferState.REVOKED: "revoked",
    OfferState.REJECTED: "rejected",
    OfferState.DRAFT: "unknown",
}


def hundredths(factor: Decimal) -> int:
    return int(factor.scaleb(2))
