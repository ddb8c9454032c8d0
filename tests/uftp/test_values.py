"""How each value is written and read, and which of the valid ones cannot be represented."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from offers import uftp
from offers.uftp.fields import Canonical, Record, attributes, children

from . import samples


def xml(message: uftp.PayloadMessage, old: str = "", new: str = "") -> bytes:
    text = uftp.encode(message).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def test_ids_are_compared_without_case_because_they_are_kept_in_lower_case():
    shouting = samples.offer(
        message_id=samples.OFFER_ID.upper(), flex_request_message_id=samples.REQUEST_ID.upper()
    )
    assert shouting == samples.offer()
    text = xml(samples.offer(), samples.CONVERSATION, samples.CONVERSATION.upper())
    assert uftp.decode(text).conversation_id == samples.CONVERSATION


def test_every_record_with_values_that_have_a_canonical_form_brings_them_to_it():
    todo: list[type[Record]] = [uftp.SignedMessage, *uftp.MESSAGES]
    for kind in todo:
        todo += [nested.item for nested in children(kind)]
        has_some = any(field.spec.type.canonical for field in attributes(kind))
        assert issubclass(kind, Canonical) is has_some, kind


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T14:00:00Z", datetime(2026, 3, 1, 14, tzinfo=UTC)),
        ("2026-03-01T14:00:00-05:30", datetime(2026, 3, 1, 19, 30, tzinfo=UTC)),
        ("2026-03-01T14:00:00", datetime(2026, 3, 1, 13, tzinfo=UTC)),
        ("2026-07-01T14:00:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-03-01T24:00:00Z", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01T14:00:00.123456789Z", datetime(2026, 3, 1, 14, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T14:00:00.5+01:00", datetime(2026, 3, 1, 13, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_with_its_offset_or_else_in_the_time_zone_of_the_message(text, instant):
    written = uftp.encode(samples.request()).decode()
    changed = written.replace('ExpirationDateTime="2026-03-02T17:00:00Z"', f'ExpirationDateTime="{text}"')
    assert changed != written
    read = uftp.decode(changed.encode())
    assert isinstance(read, uftp.FlexRequest)
    assert read.expiration_date_time == instant
    assert not isinstance(read.expiration_date_time.tzinfo, ZoneInfo)


def test_an_instant_without_offset_is_utc_where_no_zone_is_known():
    text = xml(uftp.TestMessage(**samples._metadata("agr", "dso", samples.OFFER_ID)), "11:00:00Z", "11:00:00")
    assert uftp.decode(text).time_stamp == samples.NOON


def test_the_repeated_hour_keeps_its_instant():
    late = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"), fold=1)
    message = samples.request(expiration_date_time=late)
    assert message.expiration_date_time == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert uftp.decode(uftp.encode(message)) == message


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        ("EUR", "12", "12.00"),
        ("EUR", "12.5", "12.50"),
        ("EUR", "12.3400", "12.34"),
        ("EUR", "12.345", "12.345"),
        ("EUR", "1E+2", "100.00"),
        ("EUR", "-0.5", "-0.50"),
        ("JPY", "1200.0", "1200"),
        ("JPY", "1200.5", "1200.5"),
        ("BHD", "1.5", "1.500"),
        ("CLF", "1.5", "1.5000"),
        ("QQQ", "1.5", "1.50"),
    ],
)
def test_a_price_is_written_with_the_decimals_of_its_currency_when_that_is_exact(currency, amount, written):
    message = samples.offer(currency=currency, options=(samples.option(price=amount),))
    assert f'Price="{written}"' in uftp.encode(message).decode()


def test_a_price_of_four_decimals_is_read_whatever_the_currency():
    text = xml(samples.offer(), 'Price="120.00"', 'Price="120.12340000"')
    read = uftp.decode(text)
    assert isinstance(read, uftp.FlexOffer)
    assert read.options[0].price == Decimal("120.1234")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('Power="-200000"', f'Power="{"9" * 24}"', "attribute Power: a number of 24 digits, at most 15"),
        ('Power="-200000"', f'Power="-{"9" * 1000}"', "attribute Power: 1,001 characters"),
        ('Power="-200000"', f'Power="{"9" * 5000}"', "attribute Power: 5,000 characters, at most 1,000"),
        ('Start="69"', f'Start="{10**20}"', "attribute Start: a number of 21 digits"),
        ('Price="120.00"', f'Price="{"9" * 40}"', "attribute Price: an amount beyond ±100,000,000,000"),
        ("PT15M", "P1000Y", "attribute ISP-Duration: P1000Y has no fixed length"),
        ("PT15M", "P1M", "attribute ISP-Duration: P1M has no fixed length"),
        ("PT15M", "P2000000000D", "attribute ISP-Duration: a duration of more than"),
        ('Period="2026-03-03"', 'Period="99999-01-01"', "Period: a date outside 0001-01-03 to 9999-12-29"),
        ('Period="2026-03-03"', 'Period="-0044-03-15"', "attribute Period: a date outside"),
        ('Period="2026-03-03"', 'Period="0001-01-01+14:00"', "attribute Period: a date outside"),
        ("2026-03-02T19:00:00Z", "9999-12-31T24:00:00Z", "attribute ExpirationDateTime: a date outside"),
        ("2026-03-02T19:00:00Z", "9999-12-29T23:00:00-14:00", "attribute ExpirationDateTime: a date outside"),
        ("2026-03-02T19:00:00Z", "12026-03-02T19:00:00Z", "attribute ExpirationDateTime: a date outside"),
        ("ISP-Dur", f'ContractID="{"x" * 10**6}" ISP-Dur', "ContractID: 1,000,000 characters"),
    ],
)  # fmt: skip
def test_what_is_valid_but_cannot_be_represented_is_out_of_range(old, new, sentence):
    with pytest.raises(uftp.OutOfRange, match=sentence) as caught:
        uftp.decode(xml(samples.offer(), old, new))
    assert caught.value.metadata is not None
    assert caught.value.metadata.message_id == samples.OFFER_ID
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("PT15M", "PT900S", "isp_duration", timedelta(minutes=15)),
        ("PT15M", "-PT0S", "isp_duration", timedelta(0)),
        ("PT15M", "P1D", "isp_duration", timedelta(days=1)),
        ("PT15M", "P0Y0M1DT1H1M1.5S", "isp_duration", timedelta(days=1, hours=1, minutes=1, seconds=1.5)),
        ('Period="2026-03-03"', 'Period="2026-03-03+14:00"', "period", date(2026, 3, 3)),
        ("Europe/Amsterdam", "Europe//etc/passwd", "time_zone", "Europe//etc/passwd"),
        ('Currency="EUR"', 'Currency="EUR" ContractID="a&#10;=cmd()&lt;script>&#x202e;"', "contract_id",
         "a\n=cmd()<script>\u202e"),
    ],
)  # fmt: skip
def test_odd_but_valid_values_are_read(old, new, field, value):
    assert getattr(uftp.decode(xml(samples.offer(), old, new)), field) == value
