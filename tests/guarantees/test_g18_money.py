"""G18: money is exact on every database, written the same by each of them, and never beyond its bounds."""

import ast
import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DecimalField, FloatField, Sum
from django.test import Client

from offers import models, uftp
from offers.models import Contract, FlexOrder, Message, OfferOption
from offers.models.money import LIMIT, UNIT, MoneyField, to_units
from offers.services import inbox, keys, market, trading
from offers.uftp.display import pretty
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

MOST = "99999999999.9999"
BEYOND = ["100000000000.01", "1" * 40, "-100000000000.01", "1E+12", "0.00001", "NaN", "Infinity"]
AMOUNTS, STORED, SEED = 100_000, 2_000, 18

# --- no float touches money -----------------------------------------------------------------------------

# Charts draw and simulators guess; everything else that knows a price is looked into.
APART = ("charts", "simulator", "management", "migrations")
BINARY = {"float", "FloatField", "DecimalField"}
ALLOWED = {
    ("api/parsing.py", "float"): "a number of JSON, refused later where an amount is expected",
    ("api/bodies.py", "DecimalField"): "a factor of two decimals in a request, never stored so",
    ("models/money.py", "DecimalField"): "the form field, which reads text into a Decimal",
    ("views/trades/notices.py", "float"): "infinity, to sort what has no deadline last",
}


def money_modules() -> Iterator[Path]:
    for path in sorted((settings.BASE_DIR / "offers").rglob("*.py")):
        text = path.read_text()
        if path.relative_to(settings.BASE_DIR / "offers").parts[0] not in APART and (
            "Decimal" in text or "price" in text or "money" in text.lower()
        ):
            yield path


def binary_numbers(tree: ast.AST) -> Iterator[str]:
    """Every call in a module that makes a binary fraction, or a column or field of them."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Call, ast.ClassDef)):
            for one in [node.func] if isinstance(node, ast.Call) else node.bases:
                name = one.id if isinstance(one, ast.Name) else getattr(one, "attr", "")
                if name in BINARY:
                    yield name


def test_g18_no_module_that_knows_a_price_makes_a_float_of_anything() -> None:
    seen = [path for path in money_modules()]
    found = {
        (str(path.relative_to(settings.BASE_DIR / "offers")), name)
        for path in seen
        for name in binary_numbers(ast.parse(path.read_text()))
    }
    assert len(seen) > 20
    assert found - set(ALLOWED) == set()


@pytest.mark.parametrize(
    "line", ["price = float(text)", "price = models.FloatField()", "class Price(DecimalField): ..."]
)
def test_g18_a_float_would_be_found(line: str) -> None:
    assert list(binary_numbers(ast.parse(line)))


def test_g18_no_column_of_ours_is_a_float_or_a_decimal() -> None:
    fields = [field for model in apps.get_app_config("offers").get_models() for field in model._meta.fields]
    assert len(fields) > 100
    assert not [field for field in fields if isinstance(field, (FloatField, DecimalField))]


# --- sums -----------------------------------------------------------------------------------------------


def amounts(count: int) -> list[int]:
    """Random amounts in units, of every size up to the bound, both signs."""
    dice, most = random.Random(SEED), to_units(LIMIT)
    return [dice.randint(-most, most) >> dice.randint(0, 50) for _ in range(count)]


def settlements(count: int) -> Iterator[tuple[int, int, Decimal]]:
    """Random options ordered at a factor: price and factor in hundredths, and what is paid."""
    dice = random.Random(SEED)
    most = int(LIMIT * 100)
    for _ in range(count):
        cents, hundredths = dice.randint(0, most) >> dice.randint(0, 40), dice.randint(1, 100)
        power = dice.choice((-1, 1)) * dice.randint(0, 10**9)
        option = uftp.OfferOption(
            option_reference="A",
            price=Decimal(cents) / 100,
            min_activation_factor=Decimal("0.01"),
            isps=(uftp.PowerISP(power=power, start=1),),
        )
        done = uftp.scaled(option, Decimal(hundredths) / 100, "EUR")
        assert done.isps[0].power == _halves_away(power * hundredths)
        yield cents, hundredths, done.price


def _halves_away(hundredths: int) -> int:
    """D7 in whole numbers: hundredths to whole ones, half away from zero."""
    return (abs(hundredths) + 50) // 100 * (1 if hundredths >= 0 else -1)


def test_g18_a_hundred_thousand_settlements_add_up_to_the_last_unit() -> None:
    """Price - Penalty = Net: every second one stands for a penalty. Whole numbers say what each comes to."""
    field, paid, wanted = MoneyField(), [], []
    for cents, hundredths, price in settlements(AMOUNTS):
        kept = field.from_db_value(field.get_prep_value(price))
        wanted.append(_halves_away(cents * hundredths))
        assert kept == price == Decimal(wanted[-1]) / 100
        paid.append(kept)
    prices, penalties = paid[::2], paid[1::2]
    net = [price - penalty for price, penalty in zip(prices, penalties, strict=True)]
    assert sum(prices) - sum(penalties) == sum(net)
    assert sum(net) == Decimal(sum(wanted[::2]) - sum(wanted[1::2])) / 100


def twin(row: Any, **changes: Any) -> Any:
    """A copy of a row, not saved yet."""
    return type(row)(
        **{f.name: getattr(row, f.name) for f in row._meta.fields if not f.primary_key} | changes
    )


@pytest.mark.django_db
def test_g18_the_database_adds_settlements_as_exactly_as_we_do(everybody: Cast) -> None:
    """Orders at a factor, stored as orders are."""
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    order = FlexOrder.objects.filter(owner=everybody.dso).get()
    prices = [price for *_, price in settlements(STORED)]
    said = Message.objects.bulk_create(twin(order.message, message_id=str(uuid4())) for _ in prices)
    FlexOrder.objects.bulk_create(
        twin(order, message=row, price=price, state="rejected")  # an offer has one live order
        for row, price in zip(said, prices, strict=True)
    )
    stored = FlexOrder.objects.exclude(pk=order.pk)
    assert stored.aggregate(all=Sum("price"))["all"] == sum(prices)
    assert list(stored.order_by("pk").values_list("price", flat=True)) == prices


def test_g18_with_floats_they_would_not() -> None:
    """The control: the same amounts the way that SQLite keeps a DecimalField."""
    units = amounts(AMOUNTS)
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE settlement (price decimal)")
    base.executemany("INSERT INTO settlement VALUES (?)", [(str(Decimal(n) * UNIT),) for n in units])
    kept = [row[0] for row in base.execute("SELECT price FROM settlement")]
    assert sum(Decimal(str(x)) for x in kept) != Decimal(sum(units)) * UNIT or sum(kept) != float(sum(units))
    assert Decimal(str(base.execute("SELECT sum(price) FROM settlement").fetchone()[0])) != sum(units) * UNIT


@pytest.mark.django_db
def test_g18_the_database_adds_as_exactly_as_we_do(everybody: Cast) -> None:
    units = [abs(n) for n in amounts(5_000)]
    Contract.objects.bulk_create(
        Contract(
            contract_id=f"C-{number}",
            dso=everybody.dso,
            agr=everybody.agr,
            congestion_point=everybody.point,
            valid_from=date(2026, 1, 1),
            availability_price=Decimal(amount) * UNIT,
        )
        for number, amount in enumerate(units)
    )
    assert Contract.objects.aggregate(all=Sum("availability_price"))["all"] == Decimal(sum(units)) * UNIT
    kept = Contract.objects.order_by("pk").values_list("availability_price", flat=True)
    assert [to_units(amount) for amount in kept] == units
    wanted = sorted(units)
    by_price = Contract.objects.order_by("availability_price").values_list("availability_price", flat=True)
    assert [to_units(amount) for amount in by_price] == wanted


# --- the same bytes from every database -----------------------------------------------------------------

PRICES = ["99999999999.99", "0.01", "33333333333.33"]
CONTRACT = """
contracts:
  - {contract_id: C-1, dso: dso.demo.example, agr: agr.demo.example,
     congestion_point: "ea1.2026-01.example.demo:station-west", valid_from: 2026-01-01,
     availability_price: "99999999999.9999", activation_price: "0.0001"}
"""


@pytest.fixture
def ordered(everybody: Cast) -> FlexOrder:
    """An offer with the extreme prices, of which the DSO has ordered A at 0.43."""
    request = cast.answerable_request(everybody)
    options = [
        cast.option(letter, price, -200_000, "0.40") for letter, price in zip("ABC", PRICES, strict=True)
    ]
    cast.send_offer(everybody, request, options=options)
    cast.deliver_all(NOON)
    theirs = models.FlexOffer.objects.get(owner=everybody.dso)
    placed = cast.order(everybody, theirs, factor="0.43")
    cast.deliver_all(NOON)
    placed.refresh_from_db()
    return placed


@pytest.mark.django_db
def test_g18_the_wire_the_database_and_the_exports_say_the_same_amounts(
    everybody: Cast, ordered: FlexOrder, client: Client
) -> None:
    sent = Message.objects.get(type="FlexOffer", direction="out")
    said = uftp.decode(uftp.seal.payload_of(uftp.decode_envelope(bytes(sent.sealed or b"")).body))
    assert [f'Price="{price}"' in pretty(said) for price in PRICES] == [True] * 3
    stored = OfferOption.objects.order_by("pk").values_list("price", flat=True)
    assert [str(price) for price in stored] == [f"{price}00" for price in PRICES * 2]
    client.force_login(everybody.trader)
    page = client.get("/agr/agr.demo.example/orders/?format=csv")
    rows = b"".join(page).decode().splitlines()  # type: ignore[call-overload]
    assert "42999999999.9957" not in rows[1]  # it is rounded to cents (D7)
    assert "43000000000.00" in rows[1]


@pytest.mark.django_db
def test_g18_a_market_file_comes_back_with_its_amounts(everybody: Cast) -> None:
    market.load(CONTRACT, NOON)
    written = market.dump(NOON)
    assert '"99999999999.9999"' in written.replace("'", '"')
    assert '"0.0001"' in written.replace("'", '"')


# --- the bounds, at every door --------------------------------------------------------------------------


@pytest.mark.parametrize("text", BEYOND)
@pytest.mark.django_db
def test_g18_a_draft_beyond_the_bounds_is_refused(everybody: Cast, text: str) -> None:
    request = cast.answerable_request(everybody)
    draft = cast.offer_draft(NOON + timedelta(hours=1), options=[cast.option("A", text, -200_000)])
    row = trading.draft_offer(
        everybody.agr, everybody.point, everybody.dso, TOMORROW, draft, everybody.trader, NOON, request
    )
    with pytest.raises(trading.Refused) as refused:
        trading.send_offer(everybody.agr, row.pk, everybody.trader, NOON)
    assert [reason.field for reason in refused.value.reasons] == ["OfferOption[1].Price"]
    assert not OfferOption.objects.exists()


@pytest.mark.parametrize("text", BEYOND[:3])
@pytest.mark.django_db
def test_g18_a_message_beyond_the_bounds_is_answered_with_a_rejection(everybody: Cast, text: str) -> None:
    mine = cast.send_offer(everybody, cast.answerable_request(everybody))
    sent = cast.message_of(mine)
    payload = uftp.seal.payload_of(uftp.decode_envelope(bytes(sent.sealed or b"")).body)
    payload = payload.replace(b'Price="101.40"', f'Price="{text}"'.encode())
    inbox.receive(sealed_by_agr(everybody, payload), "127.0.0.1", NOON)
    inbox.process_due(lambda: NOON)
    taken = Message.objects.get(type="FlexOffer", direction="in")
    assert (taken.state, taken.answer) == ("rejected", "rejected")
    assert "Price" in taken.answer_reason
    assert not OfferOption.objects.filter(flex_offer__owner=everybody.dso).exists()


def sealed_by_agr(everybody: Cast, payload: bytes) -> bytes:
    _, secret = keys.signing_key(everybody.agr, NOON)
    return uftp.encode_envelope(
        uftp.SignedMessage(
            sender_domain=everybody.agr.domain, sender_role="AGR", body=uftp.seal.seal(payload, secret)
        )
    )


@pytest.mark.parametrize("text", BEYOND)
@pytest.mark.django_db
def test_g18_a_market_file_beyond_the_bounds_is_refused(everybody: Cast, text: str) -> None:
    with pytest.raises(market.BadMarket, match="no amount of money"):
        market.load(CONTRACT.replace(MOST, text), NOON)
    assert not Contract.objects.exists()


@pytest.mark.parametrize("text", BEYOND)
def test_g18_a_form_beyond_the_bounds_is_refused(text: str) -> None:
    field: Any = MoneyField().formfield()
    with pytest.raises(ValidationError):
        MoneyField().clean(field.clean(text), None)


@pytest.mark.parametrize("text", BEYOND[:5])
def test_g18_not_even_code_of_ours_can_store_it(text: str) -> None:
    with pytest.raises(ValueError, match="no amount of money"):
        MoneyField().get_prep_value(Decimal(text))


@pytest.mark.django_db
@pytest.mark.parametrize("model", [OfferOption, FlexOrder, Contract])
def test_g18_no_price_below_zero_is_stored_whatever_a_bug_does(everybody: Cast, model: Any) -> None:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    Contract.objects.create(
        contract_id="C",
        dso=everybody.dso,
        agr=everybody.agr,
        congestion_point=everybody.point,
        valid_from=TOMORROW,
    )
    price = "activation_price" if model is Contract else "price"
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(**{price: Decimal("-0.0001")})
