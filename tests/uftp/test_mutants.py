"""The codec and the rules on thousands of damaged documents: they read or refuse, and never fall over."""

import pytest
from lxml import etree

from offers import uftp

from . import samples
from .mutants import golden, mutants


def verdict(version: str, xml: bytes) -> bool:
    return uftp.schema(version).validate(etree.fromstring(xml))


def judged(message: uftp.PayloadMessage) -> list[uftp.Reason]:
    """By the rules of its type: whatever stands in a valid message, they give reasons and no error."""
    market, now = samples.MARKET, samples.NOON
    match message:
        case uftp.FlexRequest():
            return uftp.check_request(message, market, now, 1)
        case uftp.FlexOffer():
            return uftp.check_offer(message, market, now, samples.request(), True)
        case uftp.FlexOrder():
            return uftp.check_order(message, market, now, samples.offer(), "accepted")
        case uftp.DPrognosis():
            return uftp.check_prognosis(message, market, now, 1)
        case _:
            return uftp.check_response(message, None, False)


def test_whatever_the_document_the_codec_reads_it_or_refuses_it():
    """Nothing but BadMessage is raised, and what is read is valid, can be written and is the same again."""
    read = 0
    for xml in [*mutants(), *golden()]:
        try:
            message = uftp.decode(xml)
        except uftp.BadMessage as error:
            assert error.reasons and all(error.reasons)
            continue
        read += 1
        version = uftp.wire_version(message.version)
        assert version is not None and verdict(version, xml)
        assert uftp.decode(uftp.encode(message)) == message
        assert len(uftp.joined(judged(message))) <= 1000
    assert read >= 500


@pytest.mark.parametrize("version", uftp.VERSIONS)
def test_what_the_schema_accepts_the_codec_does_not_call_invalid(version):
    """The codec validates while it parses; both ways of validating must agree."""
    for xml in mutants():
        root = etree.fromstring(xml)
        if root.get("Version") == version and root.tag in uftp.CATALOGUE:
            accepted = verdict(version, xml)
            try:
                uftp.decode(xml)
            except uftp.OutOfRange:
                assert accepted
            except uftp.BadMessage:
                assert not accepted, xml
            else:
                assert accepted, xml
