"""G27: what strangers had us read takes no memory afterwards, however often and with whatever names."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest

from offers import uftp
from offers.uftp import codec, forgetting
from tests.attack import box
from tests.uftp import samples

pytestmark = pytest.mark.skipif(not box.can_box(), reason="needs the system call filter of Linux")
SETTLED, DOCUMENTS = 8, 40
PIECES = 3000
LEFT_MB = 4.0
REQUEST = uftp.encode(samples.request()).decode().removesuffix("</FlexRequest>")
OFFER = uftp.encode(samples.offer()).decode().removesuffix("</FlexOffer>")
ISP = '<ISP MinPower="-1" MaxPower="0" Start="1"/>'


def new(seed: int) -> Iterator[int]:
    """Numbers that no other seed has."""
    return iter(range(seed * PIECES, (seed + 1) * PIECES))


def blanks(number: int, zero: str, one: str) -> str:
    return f"{number:050b}".replace("0", zero).replace("1", one)


def names(seed: int) -> str:
    return REQUEST + "".join(f"<n{n:0200}/>" for n in new(seed)) + "</FlexRequest>"


def attributes(seed: int) -> str:
    return REQUEST + "".join(f'<ISP n{n:0200}=""/>' for n in new(seed)) + "</FlexRequest>"


def instructions(seed: int) -> str:
    return REQUEST + "".join(f"<?n{n:0200}?>" for n in new(seed)) + "</FlexRequest>"


def white_space(seed: int) -> str:
    """Valid: the schema does not mind how a message is laid out."""
    return REQUEST + "".join(blanks(n, " ", "\n") + ISP for n in new(seed)) + "</FlexRequest>"


def white_values(seed: int) -> str:
    """Valid, too."""
    isp = '<ISP Power="1" Start="1"/>'
    made = (
        f'<OfferOption OptionReference="{blanks(n, "&#9;", " ")}" Price="1">{isp}</OfferOption>'
        for n in islice(new(seed), 500)
    )
    return f"{OFFER}{''.join(made)}</FlexOffer>"


KINDS = (names, attributes, instructions, white_space, white_values)


def left_by(kind: Callable[[int], str], documents: int = DOCUMENTS) -> float:
    """By how many MB the memory of a process that reads document after document has grown at the end."""

    def job(seed: int) -> int:
        try:
            uftp.decode(kind(seed).encode())
        except uftp.BadMessage:
            return 400
        return 200

    jobs = {str(seed): partial(job, seed) for seed in range(documents)}
    used = [one["mb"] for one in box.boxed(jobs, memory=2**30)]
    return float(used[-1] - used[SETTLED])


@pytest.fixture(autouse=True)
def warm() -> None:
    for message in (samples.request(), samples.offer()):
        uftp.decode(uftp.encode(message))


@pytest.mark.parametrize("kind", KINDS)
def test_g27_the_names_of_strangers_are_forgotten(kind: Callable[[int], str]) -> None:
    assert left_by(kind) < LEFT_MB


@pytest.mark.parametrize("kind", [names, attributes])
def test_g27_control_without_forgetting_memory_grows_with_every_document(
    kind: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "FORGET_AFTER", 10**12)
    # More of them: a process that ran other tests before has room to fill that does not show.
    assert left_by(kind, 3 * DOCUMENTS) > 2 * LEFT_MB


def test_g27_control_a_parser_that_is_left_open_keeps_what_it_has_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "_give_up_early", left_open)
    assert left_by(white_space) > 2 * LEFT_MB


def left_open(xml: bytes, name: str, version: str) -> None:
    codec._end_of_patience(codec._parser(schema=codec.schema(version)), xml)


def test_what_is_read_before_and_after_forgetting_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a schema that was compiled before, and of a tree that is still in use."""
    monkeypatch.setattr(forgetting, "FORGET_AFTER", 0)
    for _ in range(5):
        for path in samples.GOLDEN:
            xml = path.read_bytes()
            first, second = uftp.decode(xml), uftp.decode(xml)
            assert first == second
            assert uftp.decode(uftp.encode(first)) == first
