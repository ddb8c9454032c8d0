"""G28: an Atheris target on everything that reads bytes from strangers: guard, schema, types and rules.

Anything but a declared refusal is a finding, so is an input that takes more than a second. Atheris is no
dependency of the project: `pip install atheris==3.0.0` into an environment that has the requirements, then
`python -m bench.fuzz.decode [libFuzzer options, such as -max_total_time=600]`. Without a folder named there
it starts from the golden messages and keeps what it finds in var/fuzz.
"""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("Atheris is missing, which is no dependency of the project: pip install atheris==3.0.0")

with atheris.instrument_imports(include=["offers"]):
    from offers import uftp

from lxml import etree

from tests.uftp import mutants, samples

KEPT = samples.ROOT / "var/fuzz"
NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
MARKET = samples.MARKET
CHECKS = {
    uftp.FlexRequest: lambda found: uftp.check_request(found, MARKET, NOW, None),
    uftp.FlexOffer: lambda found: uftp.check_offer(found, MARKET, NOW, samples.request(), True),
    uftp.FlexOrder: lambda found: uftp.check_order(found, MARKET, NOW, samples.offer(), "accepted"),
    uftp.DPrognosis: lambda found: uftp.check_prognosis(found, MARKET, NOW, None),
}
SECRET = uftp.seal.generate()
PUBLIC = uftp.seal.public_of(SECRET)


def one_input(data: bytes) -> None:
    """The first byte says how the rest is read."""
    if not data:
        return
    try:
        (envelope if data[0] & 1 else message)(data[1:])
    except (uftp.BadMessage, uftp.BadSeal):
        return


def envelope(xml: bytes) -> None:
    signed = uftp.decode_envelope(xml)
    assert uftp.decode_envelope(uftp.encode_envelope(signed)) == signed
    uftp.seal.unseal(signed.body, PUBLIC)


def message(xml: bytes) -> None:
    found = uftp.decode(xml)
    uftp.check_identity(found, "agr.demo.example", "AGR", recipient_known=True, barred=False, duplicate=False)
    check = CHECKS.get(type(found))
    if check is not None:
        uftp.joined(check(found))
    # What was read can be written, if the wire's own limits allow, and is the same when read again.
    assert uftp.decode(uftp.encode(found)) == found


def mutate(data: bytes, limit: int, seed: int) -> bytes:
    """Every other time a change of the document's tree, which random bytes seldom hit."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        try:
            root = etree.fromstring(data[1:])
            rng.choice(mutants.MUTATIONS)(rng, root)
            return (data[:1] + etree.tostring(root))[:limit]
        except (etree.XMLSyntaxError, ValueError, TypeError, KeyError):
            pass
    return atheris.Mutate(data, limit)


def seeds(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, xml in enumerate([*mutants.golden(), *(path.read_bytes() for path in hostile())]):
        first = b"\1" if b"SignedMessage" in xml else b"\0"
        (folder / f"seed-{number:03}").write_bytes(first + xml)


def hostile() -> list[Path]:
    return sorted((samples.ROOT / "tests/attack/hostile").glob("*.xml"))


def main() -> None:
    given = sys.argv[1:]
    if all(one.startswith("-") for one in given):
        seeds(KEPT / "corpus")
        given += [str(KEPT / "corpus"), f"-artifact_prefix={KEPT}/"]
    options = ["-timeout=1", "-max_len=20000", "-rss_limit_mb=1500", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, *given], one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
