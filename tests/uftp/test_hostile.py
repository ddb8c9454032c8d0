"""What the guard lets pass and where its limits are, and values that only the schema takes (D21, B.4).

tests/attack has the hostile documents themselves.
"""

import time as cpu
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers import uftp
from offers.uftp import guard, simple

from . import samples

MESSAGE = uftp.encode(samples.request()).decode()
HEAD, TAIL = MESSAGE[: MESSAGE.index("<ISP")], "</FlexRequest>"
DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
BODY = MESSAGE.removeprefix(DECLARATION)
ISP = '<ISP MinPower="-1" MaxPower="0" Start="1"/>'
# The promise is 200 ms on a quiet machine; a test on a busy one allows some more and still tells
# linear from quadratic, which is seconds.
CPU_SECONDS = 0.6

assert MESSAGE.startswith(DECLARATION)


def refused(xml: bytes, read: Callable[[bytes], object] = uftp.decode) -> uftp.BadMessage:
    started = cpu.process_time()
    with pytest.raises(uftp.BadMessage) as caught:
        read(xml)
    assert cpu.process_time() - started < CPU_SECONDS
    assert caught.value.reasons
    assert len(str(caught.value)) < 5000
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "utf-8-sig"])
@pytest.mark.parametrize("label", ["UTF-8", "UTF-16", "UTF-7", None])
def test_only_utf_8_is_read_whatever_the_label_says(encoding, label):
    declaration = f'<?xml version="1.0" encoding="{label}"?>' if label else ""
    xml = (declaration + BODY).replace("<ISP", "<ISP ", 1).encode(encoding)
    if encoding == "utf-8-sig" and label in ("UTF-8", None):
        assert uftp.decode(xml) == samples.request()
    else:
        assert isinstance(refused(xml), uftp.NotXML)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_guard_lets_no_parser_recognise_utf_16_by_itself(encoding):
    with pytest.raises(uftp.NotXML, match="byte [01] is 0x00"):
        guard.guard(BODY.encode(encoding))


@pytest.mark.parametrize("before", ["<!-- a -->", "\n\n", "\ufeff", '<?xml version="1.0" standalone="yes"?>'])
def test_what_is_harmless_before_the_root_is_read(before):
    assert uftp.decode((before + BODY).encode()) == samples.request()


@pytest.mark.parametrize("inside", ["<!-- a -->", "<?php echo 1 ?>", "\n  "])
def test_comments_instructions_and_space_between_elements_are_read_over(inside):
    assert uftp.decode(MESSAGE.replace("<ISP", f"{inside}<ISP").encode()) == samples.request()


# --- size and shape -------------------------------------------------------------------------------


def test_too_many_bytes_are_an_error_of_their_own():
    assert isinstance(refused(b"x" * (guard.MAX_BYTES + 1)), uftp.TooLarge)
    assert not isinstance(refused(b"x" * guard.MAX_BYTES), uftp.TooLarge)


def test_the_limits_are_exact():
    def nested(n: int) -> bytes:
        return b"<a>" * n + b"</a>" * n

    guard.guard(nested(guard.MAX_DEPTH))
    assert "nested deeper than 32" in str(refused(nested(guard.MAX_DEPTH + 1)))
    many = " ".join(f'a{n}=""' for n in range(guard.MAX_ATTRIBUTES))
    guard.guard(f"<a {many}/>".encode())
    assert "more than 64 attributes" in str(refused(f'<a {many} b=""/>'.encode()))
    guard.guard(b"<a>" + b"<b/>" * (guard.MAX_ELEMENTS - 1) + b"</a>")
    assert "more than 100,000 elements" in str(refused(b"<a>" + b"<b/>" * guard.MAX_ELEMENTS + b"</a>"))


def test_no_limit_can_meet_a_valid_message():
    longest = max(len(uftp.messages.attributes(kind)) for kind in uftp.MESSAGES)
    assert longest <= guard.MAX_ATTRIBUTES / 2
    assert guard.MAX_BYTES / len('<ISP Power="0" Start="1"/>') < guard.MAX_ELEMENTS


def test_the_largest_valid_message_is_read():
    count = (guard.MAX_BYTES - len(MESSAGE)) // len(ISP)
    message = uftp.decode((HEAD + ISP * count + TAIL).encode())
    assert isinstance(message, uftp.FlexRequest)
    assert len(message.isps) == count


def test_a_body_of_the_largest_size_is_read_and_one_of_junk_refused_quickly():
    head, tail = '<SignedMessage SenderDomain="a.example" SenderRole="AGR" Body="', '"/>'
    room = (guard.MAX_BYTES - len(head + tail)) // 4 * 4
    started = cpu.process_time()
    assert len(uftp.decode_envelope((head + "QUJD" * (room // 4) + tail).encode()).body) == room // 4 * 3
    assert cpu.process_time() - started < CPU_SECONDS
    refused((head + "!" * room + tail).encode(), uftp.decode_envelope)


# --- schema-valid poison --------------------------------------------------------------------------

POISON = {
    "Power of 24 digits": ('MinPower="-900000"', f'MinPower="-{"9" * 24}"'),
    "Power of 1,000 digits": ('MinPower="-900000"', f'MinPower="-{"9" * 1000}"'),
    "Power of 5,000 digits": ('MinPower="-900000"', f'MinPower="-{"9" * 5000}"'),
    "Start 10^20": ('Start="69"', f'Start="{10**20}"'),
    "Duration 10^9": ('Duration="8"', f'Duration="{10**9}"'),
    "Duration 2*10^9": ('Duration="8"', 'Duration="2000000000"'),
    "ISP-Duration P1000Y": ("PT15M", "P1000Y"),
    "ISP-Duration -PT0S": ("PT15M", "-PT0S"),
    "ISP-Duration of a microsecond": ("PT15M", "PT0.000001S"),
    "Period 99999-01-01": ('Period="2026-03-03"', 'Period="99999-01-01"'),
    "Period 0001-01-01+14:00": ('Period="2026-03-03"', 'Period="0001-01-01+14:00"'),
    "Period 0001-01-03": ('Period="2026-03-03"', 'Period="0001-01-03"'),
    "Period 9999-12-29": ('Period="2026-03-03"', 'Period="9999-12-29"'),
    "Period 9999-12-29 in the last zone": (
        'TimeZone="Europe/Amsterdam" Period="2026-03-03"',
        'TimeZone="Pacific/Kiritimati" Period="9999-12-29"',
    ),
    "Period that Samoa skipped": (
        'TimeZone="Europe/Amsterdam" Period="2026-03-03"',
        'TimeZone="Pacific/Apia" Period="2011-12-30"',
    ),
    "TimeStamp T24": ("T11:00:00Z", "T24:00:00Z"),
    "TimeZone of nowhere": ("Europe/Amsterdam", "Europe/NoSuchPlace"),
    "TimeZone of underscores": ("Europe/Amsterdam", "Europe/____"),
    "TimeZone that is a path": ("Europe/Amsterdam", "Europe//etc/passwd"),
    "ContractID of 1 MB": ('Revision="1"', f'Revision="1" ContractID="{"x" * 10**6}"'),
    "ContractID with a formula": ('Revision="1"', 'Revision="1" ContractID="&#10;=cmd()&lt;script>"'),
    "ContractID from right to left": ('Revision="1"', 'Revision="1" ContractID="&#x202e;"'),
    "overlapping ISPs": ('Duration="68"', 'Duration="70"'),
    "10,000 ISPs": ("<ISP", ISP * 10_000 + "<ISP"),
    "expiry in the past": ("T17:00:00Z", "T10:00:00Z"),
    "expiry in the year 9999": ('DateTime="2026-03-02', 'DateTime="9999-12-29'),
    "Revision of 64 bits": ('Revision="1"', 'Revision="-9223372036854775808"'),
}


HARMLESS = ("TimeStamp T24", "Revision of 64 bits", "Period 9999-12-29", "Period 9999-12-29 in the last zone")


@pytest.mark.parametrize("what", POISON)
def test_valid_poison_is_out_of_range_or_gets_reasons_and_costs_little(what):
    old, new = POISON[what]
    assert old in MESSAGE
    started = cpu.process_time()
    try:
        message = uftp.decode(MESSAGE.replace(old, new, 1).encode())
    except uftp.OutOfRange as error:
        assert error.metadata is not None
    else:
        assert isinstance(message, uftp.FlexRequest)
        reasons = uftp.check_request(message, samples.MARKET, samples.NOON, None)
        assert reasons or what in HARMLESS
        assert len(uftp.joined(reasons)) <= 1000
    assert cpu.process_time() - started < CPU_SECONDS


def test_the_first_and_the_last_day_break_no_zone():
    admitted = ("Africa/", "America/", "Australia/", "Europe/", "Pacific/")
    for name in sorted(available_timezones()):
        for period in (simple.EARLIEST, simple.LATEST):
            if not name.startswith(admitted):
                continue
            message = replace(samples.request(), time_zone=name, period=period)
            for there in ("Europe/Amsterdam", "Pacific/Guam", "America/Juneau", "Pacific/Kiritimati"):
                market = replace(samples.MARKET, time_zone=there)
                for expiry in (EPOCH, END):
                    late = replace(message, expiration_date_time=expiry)
                    found = uftp.check_request(late, market, samples.NOON, None)
                    assert found or period == simple.LATEST


EPOCH = datetime.combine(simple.EARLIEST, time(0), tzinfo=UTC)
END = datetime.combine(simple.LATEST, time(23, 59), tzinfo=UTC)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_bad_message(xml):
    for read in (uftp.decode, uftp.decode_envelope):
        with pytest.raises(uftp.BadMessage):
            read(xml)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(samples.GOLDEN),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=4),
    st.integers(0, 6),
)
def test_no_damage_to_a_message_raises_anything_but_bad_message(path, at, new, length):
    xml = GOLDEN_BYTES[path]
    at %= len(xml)
    try:
        uftp.decode(xml[:at] + new + xml[at + length :])
    except uftp.BadMessage as error:
        assert error.reasons


GOLDEN_BYTES = {path: path.read_bytes() for path in samples.GOLDEN}
