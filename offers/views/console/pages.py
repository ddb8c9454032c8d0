"""The message console: every message, its conversation, its bytes; sending again, and testing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages as notices
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from offers import models, uftp
from offers.models import Membership, Message, MessageState, Refusal, Right
from offers.services import keys, outbox, overdue, parked, trading

from .. import lists, live, scope
from . import archive, facts, filters, opened, rows, xml

STEPS = 200
REFUSALS = 100
SENDERS = 20
VIEWS = {"": "Decoded XML", "sealed": "Sealed XML", "words": "In words", "events": "Events"}
COLUMNS = [
    ("at", lambda m: (m.received_at or m.created_at).isoformat()),
    ("direction", lambda m: m.direction),
    ("type", lambda m: m.type),
    ("version", lambda m: m.version),
    ("counterparty", lambda m: m.counterparty.slug),
    ("about", lambda m: m.about),
    ("state", lambda m: m.state),
    ("attempts", lambda m: m.attempts),
    ("answer", lambda m: m.answer),
    ("error", lambda m: m.error or m.answer_reason),
    ("message_id", lambda m: m.message_id),
    ("conversation_id", lambda m: m.conversation_id),
    ("sha256", lambda m: m.sha256),
]


@require_safe
@scope.page()
def console(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Every message of the participant, filtered by the address."""
    if lists.wants_csv(request):
        found = filters.Filters.of(request).apply(_messages(membership))
        return lists.csv_of(found.order_by("-pk")[: lists.CSV_LIMIT].iterator(2000), COLUMNS, "messages.csv")
    return _page(request, membership, {}, timezone.now())


@require_safe
@scope.page()
def message(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    """The same list with one message opened in its conversation."""
    now = timezone.now()
    selected = Message.objects.of(membership.participant).select_related("counterparty").get(pk=pk)
    return _page(request, membership, _talk(request, membership, selected, now), now)


@require_safe
@scope.page()
def raw(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    """The bytes as a file, never shown by the browser: a message is a stranger's text."""
    row = Message.objects.of(membership.participant).get(pk=pk)
    if row.sealed is None:
        return scope.render(request, membership, "404.html", {"sentence": opened.GONE}, status=410)
    response = HttpResponse(bytes(row.sealed), content_type="application/xml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{row.type}-{row.message_id}.xml"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@scope.page(Right.TRADE)
def again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Send the same bytes once more."""

    def act() -> Message:
        return trading.send_again(membership.participant, pk, membership.user, timezone.now())

    return _acted(request, membership, act, "It goes out again, with the same bytes.")


@require_POST
@scope.page(Right.TRADE)
def process(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give a parked message to the workers once more."""

    def act() -> Message:
        return parked.process_again(membership.participant, pk, membership.user, timezone.now())

    return _acted(
        request, membership, act, "It is processed again. What becomes of it appears here by itself."
    )


@require_POST
@scope.page(Right.TRADE)
def test(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Ask a counterparty whether it hears us."""
    known = filters.counterparties_of(membership.participant)
    counterparty = known.get(pk=filters.whole(request.POST.get("counterparty", "")) or 0)

    def act() -> Message:
        return trading.send_test(membership.participant, counterparty, timezone.now())

    return _acted(
        request, membership, act, f"A test message goes to {counterparty}. Its answer will appear here."
    )


def _acted(
    request: HttpRequest, membership: Membership, act: Callable[[], Message], done: str
) -> HttpResponseBase:
    """Do it and show the message; a sentence where it cannot be done now."""
    try:
        row = act()
    except (outbox.NotQueueable, parked.NotProcessable, keys.NoKey) as error:
        return scope.conflict(request, membership, str(error))
    notices.success(request, done)
    return redirect(scope.url(membership, "console-message", row.pk))


@require_safe
@scope.page()
def download(request: HttpRequest, membership: Membership, pk: int) -> HttpResponse:
    """The whole conversation of a message as one file, for a colleague or the other side."""
    selected = Message.objects.of(membership.participant).get(pk=pk)
    found = _same(selected).select_related("counterparty").order_by("pk")[:STEPS]
    response = HttpResponse(archive.zipped(found.iterator(20)), content_type="application/zip")
    name = f"conversation-{selected.conversation_id}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- what the page shows --------------------------------------------------------------------------------


def _messages(membership: Membership) -> filters.Messages:
    found = Message.objects.of(membership.participant).select_related("counterparty", "answers")
    return found.defer("sealed", "answers__sealed")


def _page(request: HttpRequest, membership: Membership, talk: dict[str, Any], now: datetime) -> HttpResponse:
    chosen = filters.Filters.of(request)
    path = scope.url(membership, "console")
    everything = Message.objects.of(membership.participant)
    context = {
        "filters": chosen,
        "path": path,
        "tabs": filters.tabs(path, chosen, everything, _may_see_refusals(request, membership)),
        "queue": _queue(everything),
        "overdue": overdue.overdue(now, membership.participant),
        "types": list(uftp.CATALOGUE),
        "directions": filters.DIRECTIONS,
        "states": filters.STATES,
        "counterparties": list(filters.counterparties_of(membership.participant)),
        "csv_url": chosen.url(path, format="csv"),
        **_left(request, membership, chosen, now),
        **talk,
    }
    return live.answer(request, membership, "console/console.html", "console/_console.html", context, now)


def _queue(everything: filters.Messages) -> dict[str, Any]:
    """How much waits to go out, and since when."""
    waiting = everything.filter(state=MessageState.QUEUED)
    return waiting.aggregate(n=Count("pk"), oldest=Min("created_at"))


def _zone(participant: models.Participant) -> str:
    point = models.CongestionPoint.objects.of(participant).first()
    return point.time_zone if point is not None else "Europe/Amsterdam"


def _left(
    request: HttpRequest, membership: Membership, chosen: filters.Filters, now: datetime
) -> dict[str, Any]:
    """The list of messages, or of what was refused at the door."""
    if chosen.tab == filters.REFUSED and _may_see_refusals(request, membership):
        return {"refusals": list(Refusal.objects.all()[:REFUSALS]), "senders": _senders()}
    page = lists.slice_of(chosen.apply(_messages(membership)), request)
    choices = chosen.url("")  # the same behind every address
    shown = [
        {"row": rows.Row(one, now), "url": scope.url(membership, "console-message", one.pk) + choices}
        for one in page.rows
    ]
    return {"shown": shown, "previous_url": page.previous_url, "next_url": page.next_url}


def _may_see_refusals(request: HttpRequest, membership: Membership) -> bool:
    """They concern the whole installation: what was refused belongs to nobody yet."""
    return membership.may(Right.MANAGE) or bool(getattr(request.user, "is_staff", False))


def _senders() -> list[Any]:
    counted = Refusal.objects.values("sender").annotate(n=Count("pk"), latest=Max("at"))
    return list(counted.order_by("-n", "sender")[:SENDERS])


def _talk(request: HttpRequest, membership: Membership, selected: Message, now: datetime) -> dict[str, Any]:
    """The conversation of a message, with the message opened."""
    zone = _zone(membership.participant)
    steps = rows.steps_of(_conversation(selected), selected, zone, now)
    current = next(step for step in steps if step.selected)
    chosen = filters.Filters.of(request)
    for step in steps:
        step.url = chosen.url(scope.url(membership, "console-message", step.message.pk), view=None)
    return {
        "selected": selected,
        "steps": steps,
        "current": current,
        "views": _views(request, current),
        "again_url": scope.url(membership, "console-again", selected.pk),
        "process_url": scope.url(membership, "console-process", selected.pk),
        "raw_url": scope.url(membership, "console-raw", selected.pk),
        "download_url": scope.url(membership, "console-download", selected.pk),
        **_view(request, current, zone),
    }


def _same(selected: Message) -> filters.Messages:
    return Message.objects.filter(
        owner=selected.owner_id,
        counterparty=selected.counterparty_id,
        conversation_id=selected.conversation_id,
    )


def _conversation(selected: Message) -> list[Message]:
    """All messages of the conversation with this counterparty, oldest first; the selected one in any case."""
    parts = ("owner", "counterparty", "answers", "flex_request", "flex_offer", "flex_order")
    whole = _same(selected).select_related(*parts).prefetch_related("attempt_rows").defer("answers__sealed")
    found = list(whole.order_by("pk")[:STEPS])
    if selected.pk not in {one.pk for one in found}:
        found.append(whole.get(pk=selected.pk))
    return found


def _views(request: HttpRequest, current: rows.Step) -> list[dict[str, Any]]:
    chosen = filters.Filters.of(request)
    asked = request.GET.get("view", "")
    events = current.message.events.count()
    return [
        {
            "label": label,
            "url": chosen.url(request.path, view=name),
            "current": name == (asked if asked in VIEWS else ""),
            "count": events if name == "events" else None,
        }
        for name, label in VIEWS.items()
    ]


def _view(request: HttpRequest, current: rows.Step, zone: str) -> dict[str, Any]:
    """What the opened message shows of itself; it is read before the problems are."""
    bytes_, asked = current.opened, request.GET.get("view", "")
    if asked == "events":
        return {"view": asked, "events": list(current.message.events.select_related("user"))}
    if asked == "words":
        said = bytes_.message
        shown = (facts.facts_of(said, zone), facts.sections_of(said)) if said is not None else ([], [])
        return {"view": asked, "facts": shown[0], "sections": shown[1]}
    text = bytes_.sealed_text if asked == "sealed" else bytes_.decoded_text
    return {"view": asked if asked == "sealed" else "", "xml": xml.marked(text)}
