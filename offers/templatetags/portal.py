"""Tags and filters of the pages: icons, state chips, countdowns, powers, amounts and instants."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from unicodedata import is_normalized

from django import template
from django.forms import BoundField, CheckboxInput, Select, Textarea
from django.template.context import Context
from django.template.defaultfilters import stringfilter, truncatechars
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from offers import formats

from .addresses import address

register = template.Library()

VENDORED: Mapping[str, str] = {
    "htmx": "vendor/htmx.min.js",
    "plotly": "vendor/plotly-basic.min.js",
}


class Look(NamedTuple):
    """How a state looks: a word, and the name that its class and its icon share unless told otherwise."""

    word: str
    css: str
    icon: str


CHIPS: Mapping[str, Look] = {
    "draft": Look("Draft", "draft", "draft"),
    "queued": Look("Queued", "queued", "queued"),
    "delivered": Look("Delivered", "delivered", "delivered"),
    "sent": Look("No answer", "waiting", "waiting"),
    "waiting": Look("No answer", "waiting", "waiting"),
    "received": Look("Received", "delivered", "in"),
    "processing": Look("Being checked", "waiting", "waiting"),
    "accepted": Look("Accepted", "accepted", "accepted"),
    "ordering": Look("Ordering", "ordering", "ordering"),
    "ordered": Look("Ordered", "ordered", "ordered"),
    "rejected": Look("Rejected", "rejected", "rejected"),
    "revoked": Look("Revoked", "revoked", "revoked"),
    "superseded": Look("Superseded", "superseded", "superseded"),
    "expired": Look("Expired", "expired", "expired"),
    "failed": Look("Failed", "failed", "failed"),
    "parked": Look("Parked", "failed", "failed"),
    "open": Look("Open", "still-open", "open"),
}
EDGES: Mapping[str, str] = {
    "error": "bad-edge",
    "warning": "warn-edge",
    "info": "info-edge",
    "debug": "info-edge",
}
BANNER_ICONS: Mapping[str, tuple[str, str]] = {
    "error": ("failed", "bad"),
    "warning": ("failed", "warn"),
    "info": ("info", ""),
    "debug": ("info", ""),
    "success": ("delivered", "good"),
}


class Participant(Protocol):
    """What the bar needs to know of a participant."""

    domain: str
    role: str


@register.simple_tag
def vendor(name: str) -> str:
    """Where a front-end package is served from; the only place that knows."""
    return static(VENDORED[name])


# A page draws the same few signs hundreds of times. Typed, because of two equal texts one may be safe as it
# stands and the other not.
DRAWN = lru_cache(maxsize=512, typed=True)
# Instants and numbers are our own words and hold nothing to escape: a page has hundreds, so nobody looks.
NOTHING = SafeString(f'<span class="mute">{formats.NONE}</span>')


@register.simple_tag
@DRAWN
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """A sign from icons.svg; with a label it speaks for itself, without one the word beside it does."""
    link = f"{static('icons.svg')}#{name}"
    classes = f"i {css}".strip()
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, link
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, link)


@register.simple_tag(takes_context=True)
def chip(context: Context, state: object, label: str = "", at: datetime | str | None = None) -> SafeString:
    """A state as sign, word and edge; `at` is an instant (shown in the page's zone) or ready words."""
    mark = _mark(str(state), label)
    if not at:
        return mark
    words = _briefly(context, at) if isinstance(at, datetime) else at
    return format_html('{} <span class="at">{}</span>', mark, words)


@DRAWN
def _mark(state: str, label: str) -> SafeString:
    look = CHIPS.get(state, Look(state.capitalize(), "waiting", "info"))
    return format_html('<span class="chip {}">{}{}</span>', look.css, icon(look.icon), label or look.word)


class Chip(Protocol):
    """A state with what stands beside it, ready for `chip`."""

    state: str
    label: str
    at: datetime | str | None


@register.simple_tag(takes_context=True)
def state(context: Context, found: Chip | None, none: str = "") -> SafeString:
    """One chip of a row; `none` is what stands for none."""
    if found:
        return chip(context, found.state, found.label, found.at)
    return format_html('<span class="mute">{}</span>', none or formats.NONE)


def _briefly(context: Context, at: datetime) -> SafeString | str:
    """Seconds matter today only."""
    here = formats.local(at, context.get("zone") or "UTC")
    today = _today(context)
    return _when(at, here, today, seconds=here.date() == today)


def _today(context: Context) -> date | None:
    now = context.get("now")
    return formats.local_day(now, context.get("zone") or "UTC") if now is not None else None


def seconds_left(context: Context, instant: datetime) -> int:
    return int((instant - context["now"]).total_seconds())


@register.simple_tag(takes_context=True)
def countdown(context: Context, instant: datetime | None) -> SafeString | str:
    """Time left until an instant; the script in clock.js goes on counting from here."""
    if instant is None:
        return NOTHING
    left = seconds_left(context, instant)
    css = f"count {formats.urgency(left)}".strip()
    words = formats.remaining(left)
    return SafeString(f'<time class="{css}" datetime="{formats.iso(instant)}">{words}</time>')


@register.simple_tag(takes_context=True)
def urgency(context: Context, instant: datetime | None) -> str:
    """The class of a row by its deadline: "", "soon" or "last"."""
    return formats.urgency(seconds_left(context, instant)) if instant else ""


@register.simple_tag(takes_context=True)
def since(context: Context, instant: datetime) -> str:
    """How long ago: 1 h 29 min."""
    return formats.ago(int((context["now"] - instant).total_seconds()))


@register.simple_tag(takes_context=True)
def when(context: Context, instant: datetime | None, seconds: bool = False) -> SafeString | str:
    """Local time, with the day unless it is today, and the year unless it is this one; UTC in the title."""
    if instant is None:
        return formats.NONE
    here = formats.local(instant, context.get("zone") or "UTC")
    return _when(instant, here, _today(context), seconds)


def _when(instant: datetime, here: datetime, today: date | None, seconds: bool) -> SafeString:
    """`here` is the same instant by the page's clock: to find it costs more than to write it."""
    day, text = here.date(), formats.face(here, seconds)
    if day != today:
        other_year = today is None or today.year != day.year
        text = f"{formats.day_name(day, year=other_year)} {text}"
    iso = formats.iso(instant)
    utc = f"{iso[:10]} {iso[11:19]} UTC"
    return SafeString(f'<time datetime="{iso}" title="{utc}">{text}</time>')


@register.simple_tag(takes_context=True)
def day(context: Context, value: date | None) -> str:
    """Today, Tomorrow, or Tue 24 Nov, as seen from the page's zone."""
    if value is None:
        return formats.NONE
    now = context.get("now")
    ahead = (value - formats.local_day(now, context.get("zone") or "UTC")).days if now else None
    return {0: "Today", 1: "Tomorrow"}.get(-1 if ahead is None else ahead, formats.day_name(value))


@register.simple_tag
def isp_span(period: date, first: int, last: int, zone: str, minutes: int = 15) -> SafeString:
    """17:00–19:00 and, quieter, ISP 69–76."""
    hours = formats.isp_hours(period, first, last, zone, minutes)
    return SafeString(f'{hours} <span class="mute">{formats.isp_numbers(first, last)}</span>')


@register.simple_tag
def isp_time(period: date, number: int, zone: str, minutes: int = 15) -> str:
    """Local time at which an ISP begins."""
    return formats.clock(formats.isp_start(period, number, zone, minutes), zone)


@register.simple_tag
def isp_utc(period: date, number: int, zone: str, minutes: int = 15) -> str:
    return formats.clock(formats.isp_start(period, number, zone, minutes), "UTC")


@register.filter
def kw(watts: int | None, places: int | None = None) -> str:
    """Watts as kW with sign: −380; a dash for none. Give places where a column needs constant decimals."""
    return formats.NONE if watts is None else formats.kilowatts(watts, places)


@register.filter
def load_kw(watts: int | None) -> str:
    """A load or capacity in kW, which has no plus: 4,000."""
    return formats.NONE if watts is None else formats.load(watts)


@register.filter
def kwh(value: Decimal | float | int | None) -> str:
    return formats.NONE if value is None else formats.grouped(value, 1)


@register.filter
def money(value: Decimal | None, currency: str = "EUR") -> str:
    return formats.NONE if value is None else formats.amount(value, currency)


@register.filter
def eur_mwh(value: Decimal | float | None) -> str:
    return formats.NONE if value is None else formats.grouped(value, 2)


@register.filter
def factor(value: Decimal | float | None) -> str:
    return formats.NONE if value is None else formats.grouped(value, 2)


@register.filter
def share(value: Decimal | float | None) -> str:
    """A fraction as a percentage: 0.709 -> 70.9 %."""
    return (
        formats.NONE
        if value is None
        else f"{formats.grouped(formats.decimal(value) * 100, 1)}{formats.NBSP}%"
    )


@register.filter
def number(value: int | None) -> str:
    return formats.NONE if value is None else formats.grouped(value)


@register.filter
def instant(value: datetime) -> str:
    return formats.iso(value)


@register.filter
def local_time(value: datetime | None, zone: str) -> str:
    return formats.NONE if value is None else formats.clock(value, zone, seconds=True)


@register.filter
def local_hm(value: datetime | None, zone: str) -> str:
    return formats.NONE if value is None else formats.clock(value, zone)


@register.filter
def local_date(value: datetime | None, zone: str) -> str:
    return formats.NONE if value is None else formats.day_name(formats.local_day(value, zone))


@register.filter
def long_date(value: date) -> str:
    return f"{formats.day_name(value)} {value.year}"


@register.filter
def utc_time(value: datetime | None) -> str:
    return formats.NONE if value is None else formats.clock(value, "UTC", seconds=True)


@register.filter
def city(zone: str) -> str:
    """Europe/Amsterdam -> Amsterdam."""
    return str(zone).rsplit("/", 1)[-1].replace("_", " ")


@register.filter
def option_css(index: int) -> str:
    """oa … oe: the colour of the n-th option, counted from 0; the sixth begins again."""
    return f"o{'abcde'[index % 5]}"


@register.filter
def option_dash(index: int) -> str:
    """The dash of the n-th option in a key, as the chart draws it."""
    return ("none", "6 3", "2 2", "7 2 2 2", "4 2")[index % 5]


@register.filter
def letter(index: int) -> str:
    """A, B, … Z, AA for the n-th option, counted from 0."""
    return letter(index // 26 - 1) + letter(index % 26) if index >= 26 else chr(ord("A") + index)


@register.filter
def option_place(name: str) -> int:
    """Which option of its offer a letter names, from 0: an option that stands alone keeps its look."""
    return formats.option_place(name)


@register.filter
def banner_edge(level: str) -> str:
    return EDGES.get(level, "")


@register.simple_tag
def banner_icon(level: str, tags: str = "") -> SafeString:
    name, css = BANNER_ICONS.get(level, ("info", ""))
    return icon("ordered" if "ordered" in (tags or "") else name, css)


@register.simple_tag
def value_rows(rows: Iterable[Sequence[str]]) -> SafeString:
    """The rows of a chart's table, each with its head first.

    A page has a thousand such values: a tag for each, or escaping each, takes longer than to find them out.
    """
    safe = escape("\x1e".join("\x1f".join(row) for row in rows))
    return SafeString("".join(map(_value_row, safe.split("\x1e"))) if safe else "")


def _value_row(safe: str) -> str:
    head, *values = safe.split("\x1f")
    cells = "".join(f'<td class="num">{value}</td>' for value in values)
    return f'<tr><th scope="row">{head}</th>{cells}</tr>\n'


@register.simple_tag(takes_context=True)
def page(context: Context, name: str, *args: Hashable) -> str:
    """The address of a page of the participant whose page this is."""
    participant: Participant = context["participant"]
    return address(name, participant.role.lower(), participant.domain, *args)


@register.filter(is_safe=True)
@stringfilter
def cut(text: str, length: int) -> str:
    """As `truncatechars`, which goes through every character also of what is short enough."""
    short = len(text) <= length and is_normalized("NFC", text)
    return text if short else truncatechars(text, length)


@register.simple_tag
def desk_url(participant: Participant) -> str:
    return f"/{participant.role.lower()}/{participant.domain}/"


@register.filter
def dressed(field: BoundField) -> SafeString:
    """The widget in our clothes, tied to its help and its errors for a screen reader."""
    attrs: dict[str, Any] = {"class": _widget_class(field)}
    about = [f"{field.id_for_label}_help"] if field.help_text else []
    if field.errors:
        attrs["aria-invalid"] = "true"
        about.append(f"{field.id_for_label}_error")
    if about:
        attrs["aria-describedby"] = " ".join(about)
    return field.as_widget(attrs=attrs)


def _widget_class(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "check"
    if isinstance(widget, Select):
        return "select"
    return "input area" if isinstance(widget, Textarea) else "input"
