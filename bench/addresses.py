"""Every page, list, live fragment, API list and CSV that somebody reads, with keys that exist."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from offers import models

Address = tuple[str, str]  # the path with its query, and how it is asked for: page, live or csv
AGR_TABS = "draft queued unanswered accepted ordered rejected failed expired revoked".split()
DSO_TABS = "waiting accepted ordering ordered rejected revoked expired".split()
CONSOLE_TABS = "failed queued unanswered parked refused".split()
SEARCHES = ("O-12345", "option A 7", "option", "nothing like it")
API = "/api/v1"


def addresses() -> Iterator[Address]:
    """Each once; lists at their first page, in the middle, at their end, and under every filter."""
    yield "/", "page"
    for participant in models.Participant.objects.hosted().order_by("pk"):
        desk = _agr if participant.role == models.Role.AGR else _dso
        for path in desk(participant):
            yield participant.path + path, "page"
        for path in ("/", "/offers/", "/requests/", "/orders/", "/console/"):
            yield participant.path + path, "live"
        for path in ("/offers/", "/requests/", "/orders/", "/console/"):
            yield f"{participant.path}{path}?format=csv", "csv"
        for path in (*_console(participant), "/tokens/"):
            yield participant.path + path, "page"
        for path in _api(participant):
            yield path, "page"


def _middle(rows) -> int:
    """A key from the middle, without counting."""
    first, last = rows.order_by("pk").first(), rows.order_by("-pk").first()
    assert first is not None and last is not None
    found = rows.filter(pk__gte=(first.pk + last.pk) // 2).order_by("pk").first()
    return found.pk if found is not None else last.pk


def _cuts(path: str, rows) -> Iterator[str]:
    yield path
    join = "&" if "?" in path else "?"
    yield f"{path}{join}before={_middle(rows)}"
    yield f"{path}{join}before={rows.order_by('pk')[:4][3].pk}"
    yield f"{path}{join}after={_middle(rows)}"


def _agr(participant: models.Participant) -> Iterator[str]:
    requests = models.FlexRequest.objects.of(participant)
    yield from _desk(participant, AGR_TABS)
    yield f"/requests/{_middle(requests)}/"
    yield f"/requests/{requests.order_by('-pk')[0].pk}/"


def _dso(participant: models.Participant) -> Iterator[str]:
    requests = models.FlexRequest.objects.of(participant)
    newest = models.FlexOffer.objects.of(participant).order_by("-pk")[0]
    yield from _desk(participant, DSO_TABS)
    yield f"/offers/?agr={newest.counterparty_id}"
    yield f"/requests/{requests.get(pk=_middle(requests)).group}/"
    yield f"/requests/{requests.order_by('-pk')[0].group}/"


def _desk(participant: models.Participant, tabs: Iterable[str]) -> Iterator[str]:
    """What both desks have."""
    offers = models.FlexOffer.objects.of(participant)
    point, day = models.CongestionPoint.objects.of(participant)[0].pk, offers.get(pk=_middle(offers)).period
    yield "/"
    yield from _cuts("/offers/", offers)
    yield from (f"/offers/?state={state}" for state in tabs)
    yield from (f"/offers/?q={quote(text)}" for text in SEARCHES)
    yield from _placed("/offers/", point, day)
    yield f"/offers/{_middle(offers)}/"
    yield f"/offers/{offers.order_by('-pk')[0].pk}/"
    yield from _cuts("/requests/", models.FlexRequest.objects.of(participant))
    yield from _placed("/requests/", point, day)
    yield from _orders(participant, point, day)


def _placed(path: str, point: int, day) -> Iterator[str]:
    yield f"{path}?point={point}"
    yield f"{path}?day={day}"
    yield f"{path}?point={point}&day={day}"
    yield f"{path}?point={point}&day=1999-01-01"


def _orders(participant: models.Participant, point: int, day) -> Iterator[str]:
    orders = models.FlexOrder.objects.of(participant)
    yield from _cuts("/orders/", orders)
    yield from _placed("/orders/", point, day)
    yield f"/orders/{_middle(orders)}/"


def _console(participant: models.Participant) -> Iterator[str]:
    messages = models.Message.objects.of(participant)
    some = messages.get(pk=_middle(messages))
    last = messages.filter(type="FlexOffer").order_by("-pk")[0]
    yield from _cuts("/console/", messages)
    yield from (f"/console/?tab={tab}" for tab in CONSOLE_TABS)
    yield from (f"/console/?type={kind}" for kind in ("FlexOffer", "FlexRequest", "D-Prognosis"))
    yield from (f"/console/?state={state}" for state in ("delivered", "failed", "pending", "cancelled"))
    yield "/console/?direction=in"
    yield f"/console/?counterparty={some.counterparty_id}"
    yield f"/console/?counterparty={some.counterparty_id}&type=FlexOrder&direction=in"
    yield f"/console/?type=FlexOffer&state=failed&counterparty={some.counterparty_id}"
    texts = (some.message_id, some.conversation_id[:8], some.about, "Station 3", "nothing like it")
    yield from (f"/console/?q={quote(text)}" for text in texts)
    yield f"/console/{some.pk}/"
    yield from (f"/console/{last.pk}/?view={view}" for view in ("", "sealed", "words", "events"))
    yield f"/console/{last.pk}/conversation/"
    yield f"/console/{last.pk}/raw/"


def _api(participant: models.Participant) -> Iterator[str]:
    me = f"as={quote(participant.slug)}"
    offers, orders = (rows.objects.of(participant) for rows in (models.FlexOffer, models.FlexOrder))
    requests, messages = (rows.objects.of(participant) for rows in (models.FlexRequest, models.Message))
    message, offer = messages.get(pk=_middle(messages)), offers.get(pk=_middle(offers))
    day = offer.period
    yield f"{API}/?{me}"
    for noun in ("congestion-points", "contracts", "requests", "offers", "orders", "messages"):
        yield f"{API}/{noun}/?{me}"
    for noun, rows in (
        ("requests", requests),
        ("offers", offers),
        ("orders", orders),
        ("messages", messages),
    ):
        yield f"{API}/{noun}/{_middle(rows)}/?{me}"
        yield f"{API}/{noun}/?{me}&message_id={message.message_id}"
        yield f"{API}/{noun}/?{me}&conversation_id={message.conversation_id}"
        yield f"{API}/{noun}/?{me}&created_from={day}T00:00:00Z&created_to={day}T12:00:00Z"
        yield f"{API}/{noun}/?{me}&counterparty={offer.counterparty.domain}"
    for noun in ("requests", "offers", "orders"):
        yield f"{API}/{noun}/?{me}&period={day}"
        yield f"{API}/{noun}/?{me}&state=failed"
    yield f"{API}/offers/?{me}&flex_request={_middle(requests)}"
    yield f"{API}/offers/?{me}&expires_from={day}T00:00:00Z&state=accepted"
    yield f"{API}/messages/?{me}&state=failed&type=FlexOffer"
