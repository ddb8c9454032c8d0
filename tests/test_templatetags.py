"""Numbers, instants and states as people read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils.safestring import SafeString

from offers import domain
from offers.templatetags import portal
from offers.views.trades.rows import Chip

NOW = datetime(2026, 11, 23, 9, 42, 18, tzinfo=UTC)
PAGE = {"now": NOW, "zone": "Europe/Amsterdam"}


def render(source: str, **values: object) -> str:
    return Template("{% load portal %}" + source).render(Context({**PAGE, **values}))


@pytest.mark.parametrize(
    ("watts", "text"),
    [
        (-380_000, "−380"),
        (300_000, "+300"),
        (0, "0"),
        (None, "–"),
        (-380_500, "−380.5"),
        (1, "+0.001"),
        (-1_234_000, "−1,234"),
    ],
)
def test_powers_have_a_true_minus_a_plus_on_increases_and_a_dash_for_none(
    watts: int | None, text: str
) -> None:
    assert portal.kw(watts) == text


def test_a_column_of_powers_may_ask_for_constant_decimals() -> None:
    assert [portal.kw(watts, 1) for watts in (-380_000, 500, 0)] == ["−380.0", "+0.5", "0.0"]


def test_a_load_has_no_plus() -> None:
    assert portal.load_kw(4_000_000) == "4,000"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("63"), "EUR", "€\u00a063.00"),
        (Decimal("1.2345"), "EUR", "€\u00a01.2345"),
        (Decimal("-5.5"), "GBP", "£\u00a0−5.50"),
        (Decimal("1200"), "NOK", "NOK\u00a01,200.00"),
        (None, "EUR", "–"),
    ],
)
def test_an_amount_on_screen_is_the_amount_in_the_message(
    amount: Decimal | None, currency: str, text: str
) -> None:
    assert portal.money(amount, currency) == text


def test_small_numbers_keep_their_decimals() -> None:
    assert portal.factor(Decimal("1")) == "1.00"
    assert portal.eur_mwh(Decimal("260")) == "260.00"
    assert portal.kwh(Decimal("112.45")) == "112.5"
    assert portal.share(Decimal("0.709")) == "70.9\u00a0%"


@pytest.mark.parametrize(
    ("left", "text", "css"),
    [
        (timedelta(minutes=12, seconds=42), "12:42", "count last"),
        (timedelta(minutes=47, seconds=2), "47:02", "count soon"),
        (timedelta(hours=3, minutes=17, seconds=42), "3:17:42", "count"),
        (timedelta(days=2, hours=5), "2 d 5 h", "count"),
        (timedelta(seconds=-1), "over", "count"),
    ],
)
def test_a_countdown_turns_amber_under_an_hour_and_red_under_a_quarter(
    left: timedelta, text: str, css: str
) -> None:
    html = render("{% countdown at %}", at=NOW + left)
    assert f'class="{css}"' in html
    assert f">{text}</time>" in html


def test_a_countdown_to_nothing_is_a_dash() -> None:
    assert "–" in render("{% countdown at %}", at=None)


def test_a_chip_has_a_sign_a_word_and_a_class() -> None:
    html = render('{% chip "ordered" "Ordered A × 1.00" at=at %}', at=NOW)
    assert 'class="chip ordered"' in html
    assert "icons.svg#ordered" in html
    assert "Ordered A × 1.00" in html
    assert ">10:42:18</time></span>" in html
    html = render('{% chip "expired" at=at %}', at=NOW - timedelta(days=6))
    assert ">Tue 17 Nov 10:42</time></span>" in html
    html = render('{% chip "expired" at=at %}', at=NOW - timedelta(days=365))
    assert ">Sun 23 Nov 2025 10:42</time></span>" in html


@pytest.mark.parametrize("state", [*domain.RequestState, *domain.OfferState, *domain.OrderState])
def test_every_state_of_the_tables_has_its_chip(state: str) -> None:
    assert str(state) in portal.CHIPS


def test_a_delivered_message_without_an_answer_says_so() -> None:
    assert "No answer" in render('{% chip "sent" %}')


def test_what_a_counterparty_wrote_is_escaped() -> None:
    assert "<b>" not in render("{% chip state label %}", state="<b>", label="<b>")


def test_an_instant_has_the_day_unless_it_is_today() -> None:
    assert ">10:42</time>" in render("{% when at %}", at=NOW)
    assert ">Tue 24 Nov 10:42</time>" in render("{% when at %}", at=NOW + timedelta(days=1))
    assert 'title="2026-11-23 09:42:18 UTC"' in render("{% when at %}", at=NOW)


def test_days_near_now_have_names() -> None:
    days = [date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 24)]
    assert [render("{% day d %}", d=day) for day in days] == ["Sun 22 Nov", "Today", "Tomorrow"]


@pytest.mark.parametrize(
    ("day", "first", "last", "words"),
    [
        (date(2026, 11, 24), 69, 76, "17:00–19:00 ISP 69–76"),
        (date(2026, 11, 24), 96, 96, "23:45–24:00 ISP 96"),
        (date(2026, 3, 29), 8, 9, "01:45–03:15 ISP 8–9"),
        (date(2026, 10, 25), 9, 16, "02:00–03:00 ISP 9–16"),
    ],
)
def test_an_isp_span_stands_in_local_time_with_its_numbers(
    day: date, first: int, last: int, words: str
) -> None:
    html = render("{% isp_span day first last zone %}", day=day, first=first, last=last)
    assert html.replace('<span class="mute">', "").replace("</span>", "") == words


def test_options_are_lettered_past_z() -> None:
    assert [portal.letter(n) for n in (0, 2, 25, 26, 27)] == ["A", "C", "Z", "AA", "AB"]


def test_an_icon_is_hidden_from_a_screen_reader_unless_it_has_a_name() -> None:
    assert 'aria-hidden="true"' in render('{% icon "bell" %}')
    assert 'role="img" aria-label="News"' in render('{% icon "bell" label="News" %}')


def test_a_state_is_drawn_from_its_chip_and_a_dash_or_a_reason_from_none() -> None:
    assert render("{% state found %}", found=Chip("sent", "", "12 min")) == render(
        '{% chip "sent" "" "12 min" %}'
    )
    assert render("{% state found %}", found=None) == '<span class="mute">–</span>'
    assert render("{% state found why %}", found=None, why="a < b") == '<span class="mute">a &lt; b</span>'


def test_a_row_of_values_begins_with_its_head() -> None:
    assert render("{% value_rows rows %}", rows=[["17:00", "<b>", ""], ["17:15"]]) == (
        '<tr><th scope="row">17:00</th><td class="num">&lt;b&gt;</td><td class="num"></td></tr>\n'
        '<tr><th scope="row">17:15</th></tr>\n'
    )
    assert render("{% value_rows rows %}", rows=[]) == ""


def test_what_is_drawn_once_is_not_mistaken_for_the_same_text_that_is_safe() -> None:
    assert "<b>" in render("{% chip 'sent' label %}", label=SafeString("<b>"))
    assert "&lt;b&gt;" in render("{% chip 'sent' label %}", label="<b>")


def test_a_cut_text_is_what_truncatechars_makes_of_it() -> None:
    for text in ("short", "n\u0303" * 5, "n\u0303" * 12, "x" * 11, "x" * 10, "<b>", SafeString("<b>"), ""):
        assert render("{{ text|cut:10 }}", text=text) == render("{{ text|truncatechars:10 }}", text=text)
