"""A market file: makes what it says, can be loaded again, and a bad line changes nothing."""

import base64
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from nacl.bindings import crypto_sign_seed_keypair

from offers import models, uftp
from offers.services import keys, market

NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
# The same in each parallel test process: they are part of the names of tests.
SECRET, *PEERS = (crypto_sign_seed_keypair(bytes([number] * 32))[1] for number in range(4))
PEER_KEYS = [uftp.seal.to_cs1(uftp.seal.public_of(secret)) for secret in PEERS]
# The example of the documentation, with every key that there is.
WHOLE = f"""
participants:
  - {{domain: dso.demo.example, role: DSO, name: Demo DSO, hosted: true,
     signing_key: {base64.b64encode(SECRET).decode()}, version: 3.1.0}}
  - {{domain: agr.demo.example, role: AGR, name: Demo AGR, hosted: true}}
  - {{domain: agr.peer.example, role: AGR, name: Peer AGR, hosted: false, public_keys: [{PEER_KEYS[0]}],
     endpoint: "http://127.0.0.1:9500/shapeshifter/api/v3/message", version: 3.0.0, barred: false,
     profile: scaled}}
congestion_points:
  - {{entity_address: "ea1.2026-01.example.demo:station-west", name: Station West,
     dso: dso.demo.example, agrs: [agr.demo.example, agr.peer.example],
     time_zone: Europe/Amsterdam, isp_duration: PT15M, currency: EUR, mutex_offers_supported: true,
     day_ahead_redispatch_by: AGR, intraday_redispatch_by: DSO, capacity_w: 2000000,
     answers_automatically: false}}
contracts:
  - {{contract_id: FLEX-2026-7, dso: dso.demo.example, agr: agr.demo.example,
     congestion_point: "ea1.2026-01.example.demo:station-west",
     valid_from: 2026-01-01, valid_to: 2026-12-31, isps: "69-76", days: [fri], reserved_power_w: -10000,
     availability_price: "40.00", activation_price: "20.0001", max_activations: 12, lead_time: PT16H}}
users:
  - {{username: trader, participant: agr.demo.example/AGR, right: trade, password: swordfish}}
  - {{username: chief, participant: dso.demo.example/DSO, right: manage, admin: true}}
"""


@pytest.fixture(autouse=True)
def _local_market(db: None, settings: Any) -> None:
    settings.LOCAL_MARKET = True


def load(text: str, now: datetime = NOW) -> market.Loaded:
    return market.load(text, now)


def problems_of(text: str) -> list[str]:
    with pytest.raises(market.BadMarket) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def rows() -> dict[str, int]:
    kinds = [models.Participant, models.Key, models.CongestionPoint, models.Contract, models.IspWindow]
    return {kind.__name__: kind.objects.count() for kind in [*kinds, models.Membership, User]}


# --- what it makes ------------------------------------------------------------------------------


def test_a_file_makes_participants_with_their_keys() -> None:
    load(WHOLE)
    dso, peer = (
        models.Participant.objects.get(domain=f"{name}.example") for name in ("dso.demo", "agr.peer")
    )
    assert (dso.role, dso.name, dso.hosted, dso.version) == ("DSO", "Demo DSO", True, "3.1.0")
    assert keys.signing_key(dso, NOW)[1] == SECRET
    assert (peer.hosted, peer.version, peer.profile, peer.barred) == (False, "3.0.0", "scaled", False)
    assert peer.endpoint == "http://127.0.0.1:9500/shapeshifter/api/v3/message"
    assert keys.public_keys(peer, NOW) == [uftp.seal.parse_public(PEER_KEYS[0])]


def test_a_file_makes_congestion_points_contracts_and_users() -> None:
    load(WHOLE)
    point, contract = models.CongestionPoint.objects.get(), models.Contract.objects.get()
    assert sorted(agr.domain for agr in point.agrs.all()) == ["agr.demo.example", "agr.peer.example"]
    assert (point.isp_duration, point.capacity_w) == (timedelta(minutes=15), 2_000_000)
    assert point.answers_automatically is False
    assert (contract.valid_from, contract.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (contract.availability_price, contract.activation_price) == (Decimal(40), Decimal("20.0001"))
    assert (contract.lead_time, contract.reserved_power_w) == (timedelta(hours=16), -10_000)
    assert list(contract.windows.values_list("first_isp", "last_isp", "days")) == [(69, 76, "fri")]
    chief, trader = (User.objects.get(username=name) for name in ("chief", "trader"))
    assert (chief.is_superuser, trader.is_superuser) == (True, False)
    assert trader.check_password("swordfish")
    assert trader.memberships.get().right == models.Right.TRADE


def test_a_hosted_participant_without_a_signing_key_gets_one() -> None:
    load(WHOLE)
    agr = models.Participant.objects.get(domain="agr.demo.example")
    assert len(keys.signing_key(agr, NOW)[1]) == 64


def test_loading_again_changes_nothing() -> None:
    load(WHOLE)
    before, text = rows(), market.dump(NOW)
    done = load(WHOLE, NOW + timedelta(days=1))
    assert (rows(), market.dump(NOW + timedelta(days=1))) == (before, text)
    assert not done.passwords


def test_a_file_without_a_signing_key_never_changes_the_key() -> None:
    load(WHOLE)
    agr = models.Participant.objects.get(domain="agr.demo.example")
    before = keys.signing_key(agr, NOW)
    load("participants:\n  - {domain: agr.demo.example, role: AGR, name: Renamed}")
    agr.refresh_from_db()
    assert (agr.name, keys.signing_key(agr, NOW)) == ("Renamed", before)


def test_what_a_file_does_not_say_stays_as_it_is() -> None:
    load(WHOLE)
    load("participants:\n  - {domain: agr.peer.example, role: AGR, barred: true}")
    peer = models.Participant.objects.get(domain="agr.peer.example")
    assert (peer.barred, peer.name, peer.version, peer.profile) == (True, "Peer AGR", "3.0.0", "scaled")
    assert keys.public_keys(peer, NOW)


def test_the_keys_of_a_counterparty_are_those_of_the_file() -> None:
    load(WHOLE)
    peer = models.Participant.objects.get(domain="agr.peer.example")
    later = NOW + timedelta(hours=1)
    one = "participants:\n  - {domain: agr.peer.example, role: AGR, public_keys: ["
    load(f"{one}{PEER_KEYS[0]}, {PEER_KEYS[1]}]}}", later)
    assert len(keys.public_keys(peer, later)) == 2
    load(f"{one}{PEER_KEYS[1]}]}}", later)
    assert keys.public_keys(peer, later) == [uftp.seal.parse_public(PEER_KEYS[1])]


def test_public_keys_may_be_bare_base64() -> None:
    bare = PEER_KEYS[2].removeprefix("cs1.")
    load(f"participants:\n  - {{domain: agr.peer.example, role: AGR, public_keys: ['{bare}']}}")
    peer = models.Participant.objects.get()
    assert keys.public_keys(peer, NOW) == [uftp.seal.parse_public(bare)]


def test_a_generated_password_is_told_once_and_works() -> None:
    load(WHOLE)
    more = "users:\n  - {username: new, participant: agr.demo.example/AGR, right: view}"
    password = load(more).passwords["new"]
    assert User.objects.get(username="new").check_password(password)
    assert load(more).passwords == {}
    assert User.objects.get(username="new").check_password(password)


def test_a_user_who_is_there_keeps_the_password() -> None:
    load(WHOLE)
    User.objects.get(username="trader").check_password("swordfish")
    done = load(WHOLE.replace("swordfish", "another"))
    assert User.objects.get(username="trader").check_password("swordfish")
    assert "trader" in done.notes[0]


def test_a_right_is_changed_where_it_stands() -> None:
    load(WHOLE)
    load("users:\n  - {username: trader, participant: agr.demo.example/AGR, right: view}")
    assert models.Membership.objects.get(user__username="trader").right == models.Right.VIEW


def test_null_empties_what_may_be_empty() -> None:
    load(WHOLE)
    load(WHOLE.replace("valid_to: 2026-12-31", "valid_to: null").replace("PT16H", "null"))
    contract = models.Contract.objects.get()
    assert (contract.valid_to, contract.lead_time) == (None, None)


# --- dumping ------------------------------------------------------------------------------------


def test_a_dump_loads_to_the_same_market_elsewhere() -> None:
    load(WHOLE)
    text = market.dump(NOW)
    for model in (models.Contract, models.CongestionPoint, models.Membership, models.Participant, User):
        model.objects.all().delete()
    load(text)
    again = market.dump(NOW)
    hosted = "hosted: true"  # a hosted participant makes its own key in each installation
    assert [line for line in again.splitlines() if hosted not in line] == [
        line for line in text.splitlines() if hosted not in line
    ]
    assert rows()["Membership"] == 2


def test_a_dump_holds_no_secret() -> None:
    load(WHOLE)
    text = market.dump(NOW)
    seed = base64.b64encode(SECRET[:30]).decode()
    assert "signing_key" not in text and "password" not in text and seed not in text
    assert uftp.seal.to_cs1(uftp.seal.public_of(SECRET)) in text


def test_a_dump_keeps_windows_with_different_days() -> None:
    load(
        WHOLE.replace(
            'isps: "69-76", days: [fri]', 'windows: [{isps: "1-4, 9"}, {isps: "69-76", days: [sun, mon]}]'
        )
    )
    found = list(models.IspWindow.objects.values_list("first_isp", "last_isp", "days"))
    assert found == [(1, 4, ""), (9, 9, ""), (69, 76, "mon,sun")]
    text = market.dump(NOW)
    models.IspWindow.objects.all().delete()
    load(text)
    assert list(models.IspWindow.objects.values_list("first_isp", "last_isp", "days")) == found


def test_nothing_is_dumped_from_nothing_and_loads_again() -> None:
    assert load(market.dump(NOW)).counts["participants"] == 0


# --- bad files ----------------------------------------------------------------------------------

PARTICIPANT = "domain: a.b.example, role: AGR"
POINT = 'entity_address: "ea1.2026-01.example.demo:x", dso: dso.demo.example'
CONTRACT = (
    "contract_id: C, dso: dso.demo.example, agr: agr.demo.example, valid_from: 2026-01-01,"
    ' congestion_point: "ea1.2026-01.example.demo:station-west"'
)
USER = "username: u, participant: agr.demo.example/AGR, right: view"
WRONG = [
    ("participants", f"{PARTICIPANT}, colour: red", "no key “colour”"),
    ("participants", f"{PARTICIPANT}, nmae: A", "did you mean name?"),
    ("participants", "domain: A.B.example, role: AGR", "domain in lower case"),
    ("participants", "domain: a.b.example, role: agr", "write AGR or DSO"),
    ("participants", "role: AGR", "needs domain"),
    ("participants", f"{PARTICIPANT}, name: 12", "in quotes"),
    ("participants", f"{PARTICIPANT}, hosted: 'true'", "neither true nor false"),
    ("participants", f"{PARTICIPANT}, hosted: true, signing_key: c2VjcmV0", "base64 of 64 bytes"),
    ("participants", f"{PARTICIPANT}, public_keys: [c2hvcnQ=]", "32 bytes"),
    ("participants", f"{PARTICIPANT}, public_keys: cs1.x", "write a list"),
    ("participants", f"{PARTICIPANT}, public_keys: [{', '.join(PEER_KEYS)}]", "at most 2"),
    ("participants", f"{PARTICIPANT}, endpoint: 'ftp://a.b'", "https://host"),
    ("participants", f"{PARTICIPANT}, endpoint: 'https://u:p@a.b/'", "user name"),
    ("participants", f"{PARTICIPANT}, version: 4.0.0", "3.0.0 or 3.1.0"),
    ("participants", f"{PARTICIPANT}, barred: null", "leave the key out"),
    ("congestion_points", f"{POINT}, time_zone: Europe/Foo", "Europe/Amsterdam"),
    ("congestion_points", f"{POINT}, time_zone: Asia/Tokyo", "Africa, America"),
    ("congestion_points", f"{POINT}, currency: XYZ", "ISO 4217"),
    ("congestion_points", f"{POINT}, isp_duration: 15", "no text"),
    ("congestion_points", f"{POINT}, isp_duration: PT90S", "whole minutes"),
    ("congestion_points", f"{POINT}, capacity_w: 2MW", "whole number"),
    ("congestion_points", f"{POINT}, capacity_w: 0x10", "whole number"),
    ("congestion_points", f"{POINT}, capacity_w: -1", "1 to"),
    ("congestion_points", f"{POINT}, day_ahead_redispatch_by: CRO", "AGR or DSO"),
    ("congestion_points", f"{POINT}, agrs: [dso.demo.example]", "no AGR dso.demo.example"),
    ("congestion_points", 'entity_address: "station", dso: dso.demo.example', "ea1.2026-01"),
    ("congestion_points", 'entity_address: "ea1.2026-01.a.b:x", dso: agr.demo.example', "no DSO"),
    ("contracts", f"{CONTRACT}, isps: '76-69'", "“69-76”"),
    ("contracts", f"{CONTRACT}, isps: '0-4'", "counted from 1"),
    ("contracts", f"{CONTRACT}, isps: '99-101'", "ISP 1-100"),
    ("contracts", f"{CONTRACT}, isps: '1-4', days: [someday]", "mon or tue"),
    ("contracts", f"{CONTRACT}, days: [mon]", "write isps, too"),
    ("contracts", f"{CONTRACT}, availability_price: '4,00'", "no amount of money"),
    ("contracts", f"{CONTRACT}, activation_price: 1.00001", "four decimals"),
    ("contracts", f"{CONTRACT}, lead_time: 16h", "no duration"),
    ("contracts", f"{CONTRACT}, valid_to: 2025-01-01", "before valid_from"),
    ("contracts", f"{CONTRACT}, valid_to: 2026-02-30", "no date"),
    ("contracts", CONTRACT.replace("agr.demo", "agr.nobody"), "no AGR agr.nobody.example"),
    ("contracts", CONTRACT.replace("station-west", "station-x"), "add it to congestion_points"),
    ("users", USER.replace("view", "own"), "view or trade or manage"),
    ("users", USER.replace("agr.demo.example/AGR", "agr.demo.example"), "domain and role"),
    ("users", USER.replace("agr.demo.example", "agr.peer.example"), "not hosted here"),
    ("users", "username: u", "admin: true"),
    ("users", USER.replace("username: u", "username: 'a b'"), "no user name"),
]


@pytest.mark.parametrize(
    ("section", "entry", "hint"), WRONG, ids=[f"{section}: {hint}" for section, _, hint in WRONG]
)
def test_a_wrong_value_is_named_with_its_line_and_what_would_be_right(
    section: str, entry: str, hint: str
) -> None:
    load(WHOLE)
    before = rows()
    found = problems_of(f"# a comment\n{section}:\n  - {{{entry}}}")
    assert len(found) == 1, found
    assert found[0].startswith("line 3: ") and hint in found[0]
    assert rows() == before


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = """participants:
  - {domain: a.b.example, role: AGR, hosted: 3}
  - {domain: a.b.example, role: DSO, name: ""}
congestion_points:
  - {entity_address: "ea1.2026-01.a.b:x", dso: nobody.example, agrs: [a.b.example, c.d.example]}
usres: []
"""
    assert [problem.partition(":")[0] for problem in problems_of(text)] == [
        "line 2", "line 3", "line 5", "line 5", "line 6",
    ]  # fmt: skip


def test_one_bad_line_changes_nothing() -> None:
    problems_of(WHOLE.replace("right: trade", "right: own"))
    assert set(rows().values()) == {0}


def test_the_same_thing_twice_is_refused_with_both_lines() -> None:
    found = problems_of(f"participants:\n  - {{{PARTICIPANT}}}\n  - {{{PARTICIPANT}}}")
    assert found == ["line 3: a.b.example/AGR stands twice, first in line 2: write it once"]
    assert "stands twice" in problems_of("users: []\nusers:\n  - {username: a, username: b, admin: true}")[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "- a list",
        "text",
        "a: [b\nc: d",
        "a: &x [*x]",
        "? [a]\n: b",
        "!!python/object:os.system {a: 1}",
        "[" * 5000,
    ],
)
def test_what_is_no_market_at_all_gets_a_sentence(text: str) -> None:
    assert problems_of(text)[0].startswith("line ")


def test_a_wrong_signing_key_is_never_repeated() -> None:
    typed = base64.b64encode(SECRET[:63]).decode()
    found = problems_of(f"participants:\n  - {{{PARTICIPANT}, hosted: true, signing_key: '{typed}'}}")
    assert typed not in "".join(found)


def test_two_halves_of_different_keys_are_no_signing_key() -> None:
    mixed = base64.b64encode(SECRET[:32] + uftp.seal.generate()[32:]).decode()
    found = problems_of(f"participants:\n  - {{{PARTICIPANT}, hosted: true, signing_key: '{mixed}'}}")
    assert "last 32 bytes" in found[0]


def test_a_signing_key_is_only_for_who_is_hosted_here() -> None:
    key = base64.b64encode(SECRET).decode()
    found = problems_of(f"participants:\n  - {{{PARTICIPANT}, signing_key: '{key}'}}")
    assert "hosted: true" in found[0]


def test_an_endpoint_on_this_machine_is_refused_outside_of_local_markets(settings: Any) -> None:
    settings.LOCAL_MARKET = False
    assert any("https" in problem for problem in problems_of(WHOLE))


# --- the command --------------------------------------------------------------------------------


def test_the_command_loads_the_market_of_the_demo_and_prints_passwords_once() -> None:
    out = io.StringIO()
    call_command("market", "load", str(project.BASE_DIR / "offers/demo/market.yaml"), stdout=out)
    assert "New user trader with the password" in out.getvalue()
    call_command(
        "market", "load", str(project.BASE_DIR / "offers/demo/market.yaml"), stdout=(again := io.StringIO())
    )
    assert "password" not in again.getvalue()


def test_the_command_names_the_file_and_every_line(tmp_path: Path) -> None:
    file = tmp_path / "market.yaml"
    file.write_text("participants:\n  - {domain: X, role: Y}\n")
    with pytest.raises(CommandError) as caught:
        call_command("market", "load", str(file))
    text = str(caught.value)
    assert text.count(f"{file}, line 2: ") == 2 and text.endswith("Nothing was changed.")


def test_the_command_says_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("market", "load", str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"# a\n# \xe9\n")
    with pytest.raises(CommandError, match="line 2: this is no text in UTF-8"):
        call_command("market", "load", str(tmp_path / "latin.yaml"))


def test_the_command_dumps_what_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    load(WHOLE)
    call_command("market", "dump", stdout=(out := io.StringIO()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(out.getvalue().encode())))
    call_command("market", "load", "-", stdout=(said := io.StringIO()))
    assert "Loaded 3 participants, 1 congestion points, 1 contracts, 2 users." in said.getvalue()
