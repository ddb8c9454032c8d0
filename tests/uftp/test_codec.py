"""Message to bytes and back: what is written is valid, what is read is what was meant."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from time import sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from offers import uftp
from offers.uftp.fields import attributes

from . import samples

ANY = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
EVERY = [(kind, version) for kind in uftp.MESSAGES for version in uftp.VERSIONS]


def xml(message: uftp.PayloadMessage, old: str = "", new: str = "") -> bytes:
    text = uftp.encode(message).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(("kind", "version"), EVERY, ids=lambda value: getattr(value, "XML_NAME", value))
@ANY
@given(data=st.data())
def test_every_message_comes_back_as_it_was_sent(kind, version, data):
    message = data.draw(samples.records(kind, version))
    assert uftp.decode(uftp.encode(message)) == message


@ANY
@given(data=st.data())
def test_every_envelope_comes_back_as_it_was_sent(data):
    envelope = data.draw(samples.records(uftp.SignedMessage, "3.1.0"))
    assert uftp.decode_envelope(uftp.encode_envelope(envelope)) == envelope


@pytest.mark.parametrize("path", samples.GOLDEN, ids=lambda path: path.stem)
def test_every_golden_message_is_read_and_survives_a_round_trip(path):
    message = uftp.decode(path.read_bytes())
    assert uftp.decode(uftp.encode(message)) == message


def test_there_are_golden_messages_of_every_type_and_version():
    seen = {(path.stem[:5], path.stem.split("-", 1)[1]) for path in samples.GOLDEN}
    for kind, version in EVERY:
        assert sum(v == version and name.startswith(kind.XML_NAME + "-") for v, name in seen) >= 2


def test_a_golden_offer_is_read_into_the_values_that_it_shows():
    path = samples.HERE / "messages" / "3.1.0-FlexOffer-three-options.xml"
    offer = uftp.decode(path.read_bytes())
    assert isinstance(offer, uftp.FlexOffer)
    assert offer.isp_duration == timedelta(minutes=15)
    assert offer.period == date(2026, 3, 2)
    assert offer.expiration_date_time == datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
    assert offer.unsolicited is False
    assert [o.option_reference for o in offer.options] == ["batteries", "batteries and heat pumps", "all"]
    assert offer.options[0].min_activation_factor == Decimal("0.25")
    assert offer.options[1].min_activation_factor == 1
    assert offer.options[2].price == Decimal("311.1234")
    assert offer.options[0].isps == (uftp.PowerISP(power=-200_000, start=69, duration=8),)
    assert offer.options[1].isps[0].duration == 1


# --- versions -------------------------------------------------------------------------------------


def test_unsolicited_is_never_written_under_3_0_0():
    old = replace(samples.offer(), version="3.0.0")
    assert b"Unsolicited" not in uftp.encode(old)
    assert uftp.decode(uftp.encode(old)) == replace(old, unsolicited=None)


def test_unsolicited_is_written_explicitly_under_3_1_0():
    assert uftp.unsolicited("3.1.0", samples.REQUEST_ID) is False
    assert uftp.unsolicited("3.1.4", None) is True
    assert uftp.unsolicited("3.0.0", None) is None
    assert b'Unsolicited="false"' in uftp.encode(samples.offer())


def test_an_order_without_an_offer_cannot_be_written_under_3_0_0():
    direct = samples.order(version="3.0.0", flex_offer_message_id=None, unsolicited=True)
    with pytest.raises(
        uftp.Invalid, match=r"FlexOrder, attribute FlexOfferMessageID: is required in 3\.0\.0"
    ):
        uftp.encode(direct)
    assert uftp.encode(replace(direct, version="3.1.0"))


def test_what_only_a_later_version_can_say_is_an_error_and_not_left_out():
    with pytest.raises(
        uftp.Invalid, match=r"attribute ServiceType: does not exist in 3\.0\.0, only in 3\.1\.0"
    ):
        uftp.encode(samples.order(version="3.0.0", service_type="emergency"))


def test_an_attribute_of_3_1_0_is_refused_under_3_0_0():
    text = xml(samples.offer(), 'Version="3.1.0"', 'Version="3.0.0"')
    with pytest.raises(
        uftp.Invalid, match="element FlexOffer, attribute Unsolicited: is not allowed in 3.0.0"
    ):
        uftp.decode(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [("3.0.0", "3.0.0"), ("3.0.12", "3.0.0"), ("3.1.0", "3.1.0"), ("3.1.7", "3.1.0")]
    + [
        (text, None)
        for text in ("3.2.0", "4.0.0", "2.1.0", "03.1.0", "3.1", "3.1.0.0", "٣.١.٠", "", "3.1.00")
    ],
)
def test_a_patch_release_is_treated_as_its_minor_and_nothing_else_is_supported(text, version):
    assert uftp.wire_version(text) == version


@pytest.mark.parametrize("version", ["3.2.0", "4.0.0", "٣.١.٠", "03.1.0"])
def test_another_version_is_refused_with_what_an_answer_needs(version):
    with pytest.raises(uftp.UnsupportedVersion) as caught:
        uftp.decode(xml(samples.offer(), "3.1.0", version))
    assert caught.value.reasons == [f"Unsupported Version {version}; supported: 3.0.0, 3.1.0"]
    assert caught.value.metadata == uftp.Metadata(
        type="FlexOffer",
        version=version,
        sender_domain="agr.demo.example",
        recipient_domain="dso.demo.example",
        message_id=samples.OFFER_ID,
        conversation_id=samples.CONVERSATION,
    )


@pytest.mark.parametrize("path", samples.GOLDEN, ids=lambda path: path.stem)
def test_a_message_is_identified_by_what_it_says_when_it_is_read(path):
    xml = path.read_bytes()
    message, found = uftp.decode(xml), uftp.identify(xml)
    assert found.type == message.XML_NAME
    for name in ("version", "sender_domain", "recipient_domain", "message_id", "conversation_id"):
        assert getattr(found, name) == getattr(message, name)


@pytest.mark.parametrize(
    ("old", "new"), [("3.1.0", "3.2.0"), ('Power="-200000"', f'Power="{"9" * 24}"'), ("PT15M", "P1000Y")]
)
def test_what_can_only_be_rejected_is_identified_like_what_is_refused(old, new):
    text = xml(samples.offer(), old, new)
    with pytest.raises(uftp.BadMessage) as caught:
        uftp.decode(text)
    assert uftp.identify(text) == caught.value.metadata


@pytest.mark.parametrize(("old", "new"), [('Currency="EUR"', ""), ("</FlexOffer>", ""), ("FlexOffer", "Foo")])
def test_what_cannot_be_answered_is_not_identified(old, new):
    with pytest.raises(uftp.BadMessage):
        uftp.identify(xml(samples.offer(), old, new))


def test_another_version_without_valid_metadata_is_invalid():
    text = xml(samples.offer(), "3.1.0", "3.2.0").replace(samples.OFFER_ID.encode(), b"7")
    with pytest.raises(uftp.Invalid, match="attribute MessageID"):
        uftp.decode(text)


def test_an_unsupported_version_cannot_be_written():
    with pytest.raises(uftp.UnsupportedVersion):
        uftp.encode(samples.offer(version="3.2.0"))


# --- refusals name the place ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence"),
    [
        (
            'Price="120.00"',
            'Price="10.12345"',
            "line 5, element OfferOption[1], attribute Price",
            "“10.12345” is not an amount with at most 4 decimals such as 12.50.",
        ),
        (
            'Start="69"',
            'Start="0"',
            "line 6, element OfferOption[1]/ISP, attribute Start",
            "“0” is not a whole number from 1.",
        ),
        (
            'Power="-200000"',
            "",
            "line 6, element OfferOption[1]/ISP, attribute Power",
            "is required but missing. Right would be a whole number.",
        ),
        (
            'Power="-200000"',
            'Power="1" power="2"',
            "line 6, element OfferOption[1]/ISP, attribute power",
            "is not allowed in 3.1.0. Right would be one of Power, Start, Duration.",
        ),
        (
            "</OfferOption>",
            "<Foo/></OfferOption>",
            "line 6, element OfferOption[1]/Foo",
            "This element is not expected. Expected is ( ISP ).",
        ),
        (
            'Currency="EUR"',
            'Currency="eur"',
            "line 4, element FlexOffer, attribute Currency",
            "“eur” is not three capitals such as EUR.",
        ),
        (
            'Period="2026-03-03"',
            'Period="2026-02-30"',
            "line 4, element FlexOffer, attribute Period",
            "“2026-02-30” is not a date such as 2026-03-01.",
        ),
        (
            'MessageID="2',
            'MessageID="{2',
            "line 4, element FlexOffer, attribute MessageID",
            "“{20000000-5a1e-4c0d-9f00-0242ac130001” is not a UUID such as"
            " 0f8fad5b-d9cb-469f-a165-70867728950e.",
        ),
    ],
)
def test_a_refusal_names_line_element_and_attribute_and_what_would_be_right(old, new, place, sentence):
    text = xml(samples.offer()).decode().replace("<FlexOffer", "\n\n<FlexOffer")
    text = text.replace("<OfferOption", "\n<OfferOption").replace("<ISP", "\n<ISP").replace(old, new, 1)
    with pytest.raises(uftp.Invalid) as caught:
        uftp.decode(text.encode())
    assert caught.value.reasons == [f"{place}: {sentence}"]


def test_all_wrong_places_are_named_at_once():
    text = uftp.encode(samples.offer()).decode()
    text = (
        text.replace('Currency="EUR"', "")
        .replace('Start="69"', 'Start="x"')
        .replace('Price="60.00"', 'Price=""')
    )
    with pytest.raises(uftp.Invalid) as caught:
        uftp.decode(text.encode())
    assert len(caught.value.reasons) == 4
    assert len(str(caught.value)) < 1000


def test_a_message_that_is_none_says_which_there_are():
    with pytest.raises(uftp.Invalid, match="element Metering is no message; known: TestMessage, .*FlexOffer"):
        uftp.decode(b"<Metering/>")


def test_an_envelope_is_no_message_and_a_message_no_envelope():
    envelope = uftp.SignedMessage(sender_domain="agr.demo.example", sender_role="AGR", body=b"x")
    with pytest.raises(uftp.Invalid, match="SignedMessage is no message"):
        uftp.decode(uftp.encode_envelope(envelope))
    with pytest.raises(uftp.Invalid, match="FlexOffer instead of SignedMessage"):
        uftp.decode_envelope(uftp.encode(samples.offer()))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"currency": "euro"}, "attribute Currency: “euro” is not three capitals"),
        ({"options": ()}, "element FlexOffer: Missing child element"),
        ({"options": (samples.option(price="10.12345"),)}, "attribute Price: “10.12345” is not an amount"),
        (
            {"options": (samples.option(factor="1.01"),)},
            "attribute MinActivationFactor: “1.01” is not a factor",
        ),
        ({"options": (samples.option(price="NaN"),)}, "attribute Price: .* is no decimal number"),
        ({"options": (samples.option(price="100000000000.0001"),)}, "attribute Price: an amount beyond"),
        (
            {"options": (samples.option(isps=samples.isps((0, 1, 1))),)},
            "attribute Start: “0” is not a whole number",
        ),
        (
            {"options": (samples.option(isps=samples.isps((1, 1, 10**15))),)},
            "attribute Power: a number of 16 digits",
        ),
        (
            {"expiration_date_time": datetime(2026, 3, 1)},
            "attribute ExpirationDateTime: .* no instant with an offset",
        ),
        ({"contract_id": "x" * 1001}, "attribute ContractID: 1,001 characters, at most 1,000"),
        ({"contract_id": "a\x00b"}, "attribute ContractID"),
        ({"contract_id": "\ud800"}, "attribute ContractID"),
        ({"contract_id": 7}, "attribute ContractID: 7 is no text"),
        ({"period": samples.NOON}, "attribute Period: .* is no date"),
        ({"unsolicited": "yes"}, "attribute Unsolicited: 'yes' is neither True nor False"),
        ({"isp_duration": 15}, "attribute ISP-Duration: 15 is no duration"),
        ({"message_id": None}, "attribute MessageID: is required in 3.1.0: a UUID"),
    ],
)
def test_what_is_not_valid_is_not_written(given, sentence):
    with pytest.raises(uftp.Invalid, match=sentence):
        uftp.encode(samples.offer(**given))


# --- the catalogue --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", uftp.MESSAGES, ids=lambda kind: kind.XML_NAME)
def test_every_request_has_a_response_that_goes_back(kind):
    if kind.is_response:
        asked = [message for message in uftp.MESSAGES if message.response_type is kind]
        assert len(asked) == 1
        assert (kind.SENDER_ROLE, kind.RECIPIENT_ROLE) == (asked[0].RECIPIENT_ROLE, asked[0].SENDER_ROLE)
        assert kind.response_type is None
    else:
        assert kind.response_type is not None


@pytest.mark.parametrize(
    "kind", [m for m in uftp.MESSAGES if m.is_response and m is not uftp.TestMessageResponse]
)
def test_every_response_names_what_it_answers_by_the_attribute_of_that_type(kind):
    asked = next(message for message in uftp.MESSAGES if message.response_type is kind)
    field = next(f for f in attributes(kind) if f.python_name == kind.REFERENCE)
    assert field.spec.name == f"{asked.XML_NAME}MessageID"
    assert field.required_in("3.0.0")


def test_a_response_knows_its_reference():
    assert samples.response().reference == samples.OFFER_ID
    assert samples.offer().reference is None


def test_what_the_schema_gives_as_default_is_what_the_value_has():
    for kind in (uftp.PrognosisISP, uftp.RequestISP, uftp.PowerISP, uftp.OfferOption, uftp.FlexOrder):
        values = samples.defaults(kind)
        for field in attributes(kind):
            if field.spec.default is not None:
                assert values[field.python_name] == Decimal(field.spec.default)


def test_schemas_are_compiled_one_at_a_time(monkeypatch):
    """Each thread has its own, and libxml2 makes its built-in types, which all share, with the first one."""
    compiling: list[int] = []

    def compiled(_):
        compiling.append(1)
        sleep(0.01)
        alone.append(len(compiling) == 1)
        compiling.pop()

    alone: list[bool] = []
    monkeypatch.setattr(etree, "XMLSchema", compiled)
    with ThreadPoolExecutor(4, initializer=Barrier(4).wait) as threads:
        list(threads.map(uftp.schema, ["3.1.0", "3.0.0"] * 8))
    assert len(alone) >= 4
    assert all(alone)


def test_the_generated_schema_can_be_shown():
    for version in uftp.VERSIONS:
        assert etree.fromstring(uftp.xsd(version).encode()).tag.endswith("schema")
    assert "Unsolicited" not in uftp.xsd("3.0.0")
    with pytest.raises(ValueError, match="no schema for version 3.2.0"):
        uftp.xsd("3.2.0")
