"""FlexRequests: drafted, sent and answered at the DSO; taken in at the AGR."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max, Q

from offers import domain, models, uftp
from offers.domain import Event, RequestState
from offers.uftp import display

from .. import drafts, mapping, outbox, sql
from ..atomic import atomic, locked
from .answers import ACCEPTED, Judgement, Refused, accepted, name, reason
from .moves import Cause, created, move

Rows = list[models.FlexRequest]


def recipients_of(
    point: models.CongestionPoint, wanted: Sequence[int] | None = None
) -> list[models.Participant]:
    """The AGRs of a point that a request goes to: all, or the wanted ones; barred ones never."""
    agrs = point.agrs.filter(barred=False).order_by("name")
    return list(agrs if wanted is None else agrs.filter(pk__in=wanted))


@atomic
def draft_requests(
    owner: models.Participant,
    point: models.CongestionPoint,
    period: date,
    draft: Mapping[str, Any],
    by: User,
    now: datetime,
    recipients: Sequence[int] | None = None,
) -> Rows:
    """Start a request to the AGRs of a point: one row an AGR, all in one group."""
    agrs = recipients_of(point, recipients)
    if point.dso_id != owner.pk or not agrs:
        raise Refused([reason("CongestionPoint", f"{point} has no AGR to ask: add one in the admin.")])
    group = uuid.uuid4()
    rows = [
        models.FlexRequest.objects.create(
            owner=owner,
            counterparty=agr,
            congestion_point=point,
            period=period,
            group=group,
            draft=drafts.to_keep(draft),
            state_at=now,
            created_at=now,
        )
        for agr in agrs
    ]
    for row in rows:
        created(row, "draft", Cause.by(by), now)
    return rows


def group_of(owner: models.Participant, group: uuid.UUID) -> Rows:
    rows = models.FlexRequest.objects.filter(owner=owner, group=group).order_by("counterparty__name")
    return list(rows.select_related("owner", "counterparty", "congestion_point", "contract", "message"))


def _drafts_of(owner: models.Participant, group: uuid.UUID) -> Rows:
    found = locked(models.FlexRequest.objects.filter(owner=owner, group=group))
    rows = list(found.select_related("owner", "counterparty", "congestion_point").order_by("pk"))
    if not rows:
        raise models.FlexRequest.DoesNotExist(f"There is no request {group} any more.")
    for row in rows:
        if row.state != RequestState.DRAFT:
            raise domain.IllegalMove(f"FlexRequest is {row.state}: it cannot be changed any more.")
    return rows


@atomic
def save_request_draft(
    owner: models.Participant, group: uuid.UUID, draft: Mapping[str, Any], by: User, now: datetime
) -> Rows:
    """Keep what was typed, right or wrong. A new list of recipients or another day takes effect at once;
    while nobody is chosen the rows stay as they are, and the draft cannot be sent."""
    rows = _drafts_of(owner, group)
    first = rows[0]
    period = drafts.read_period(draft["period"]) if draft.get("period") else first.period
    agrs = recipients_of(first.congestion_point, _wanted(draft))
    if "recipients" in draft and agrs and {row.counterparty_id for row in rows} != {agr.pk for agr in agrs}:
        _change_recipients(rows, agrs, by, now)
    models.FlexRequest.objects.filter(owner=owner, group=group, state=RequestState.DRAFT).update(
        draft=drafts.to_keep(draft), period=period, state_at=now
    )
    return group_of(owner, group)


def _wanted(draft: Mapping[str, Any]) -> list[int] | None:
    """The AGRs that a draft names, by id; None when it leaves them as they are."""
    typed = draft.get("recipients")
    if not isinstance(typed, list):
        return None
    return [pk for pk in typed if isinstance(pk, int) and not isinstance(pk, bool) and 0 < pk < 2**63]


def _nobody(rows: Rows, draft: Mapping[str, Any]) -> list[uftp.Reason]:
    if recipients_of(rows[0].congestion_point, _wanted(draft)):
        return []
    return [reason("Recipients", "The request has no recipient: choose at least one AGR.")]


def _change_recipients(rows: Rows, agrs: Sequence[models.Participant], by: User, now: datetime) -> None:
    first = rows[0]
    kept = {agr.pk for agr in agrs}
    for row in rows:
        if row.counterparty_id not in kept:
            _delete(row)
    there = {row.counterparty_id for row in rows}
    for agr in agrs:
        if agr.pk not in there:
            row = models.FlexRequest.objects.create(
                owner=first.owner,
                counterparty=agr,
                congestion_point=first.congestion_point,
                period=first.period,
                group=first.group,
                draft=first.draft,
                state_at=now,
                created_at=now,
            )
            created(row, "draft", Cause.by(by), now)


def _delete(row: models.FlexRequest) -> None:
    row.events.all().delete()
    row.delete()


@atomic
def delete_request_draft(owner: models.Participant, group: uuid.UUID) -> None:
    """Throw a draft away."""
    for row in _drafts_of(owner, group):
        _delete(row)


def next_revision(row: models.FlexRequest) -> int:
    """One more than the highest of its day and point, so that every AGR sees it as the newer one (D12)."""
    same = models.FlexRequest.objects.filter(
        owner=row.owner, congestion_point=row.congestion_point, period=row.period
    ).exclude(state=RequestState.DRAFT)
    return int(same.aggregate(highest=Max("revision"))["highest"] or 0) + 1


def check_requests(rows: Rows, draft: Mapping[str, Any], now: datetime) -> list[uftp.Reason]:
    """All reasons why the draft could not be sent now, each once."""
    try:
        read, wrong = drafts.read_request(draft)
    except drafts.NotADraft as error:
        return [reason("ISP", str(error))]
    if read is None:
        return [*wrong, *_nobody(rows, draft)]
    found = [r for row in rows for r in _judge(row, read, next_revision(row), now)[1]]
    return list(dict.fromkeys([*found, *_nobody(rows, draft)]))


def _judge(
    row: models.FlexRequest, read: drafts.RequestDraft, revision: int, now: datetime
) -> tuple[uftp.FlexRequest, list[uftp.Reason]]:
    """The message as it would go out, and what the rules say of it."""
    identity = outbox.new_id()
    message = uftp.FlexRequest(
        **mapping.head(row.owner, row.counterparty, now, identity, outbox.new_id()),
        **mapping.flex(row.congestion_point, row.period),
        revision=revision,
        expiration_date_time=read.expires_at,
        contract_id=read.contract_id or None,
        service_type=read.service_type or None,
        isps=read.isps,
    )
    market = mapping.market_of(row.congestion_point, row.owner, row.counterparty, message)
    return message, uftp.check_request(message, market, now, None)


def preview_requests(rows: Rows, draft: Mapping[str, Any], now: datetime) -> str:
    """The XML as the first recipient would get it; Refused while the draft cannot be read."""
    read, wrong = drafts.read_request(draft)
    if read is None:
        raise Refused(wrong)
    return display.pretty(_judge(rows[0], read, next_revision(rows[0]), now)[0])


@atomic
def send_requests(owner: models.Participant, group: uuid.UUID, by: User, now: datetime) -> Rows:
    """Send a drafted request to each of its AGRs. Refused has all reasons; then nothing was sent."""
    _lock_point_of(owner, group)  # so that no two requests get the same revision
    rows = _drafts_of(owner, group)
    read, wrong = drafts.read_request(rows[0].draft)
    if read is None:
        raise Refused(wrong)
    revision = next_revision(rows[0])
    judged = [(row, *_judge(row, read, revision, now)) for row in rows]
    reasons = list(dict.fromkeys(r for _, _, found in judged for r in found))
    reasons += _nobody(rows, rows[0].draft)
    if reasons:
        raise Refused(reasons)
    return [_send(row, message, read, by, now) for row, message, _ in judged]


def _send(
    row: models.FlexRequest, message: uftp.FlexRequest, read: drafts.RequestDraft, by: User, now: datetime
) -> models.FlexRequest:
    queued = outbox.enqueue(
        row.owner,
        row.counterparty,
        message,
        now,
        about=f"{row} {row.congestion_point}",
        expires_at=read.expires_at,
    )
    return move(
        row,
        Event.SEND,
        Cause.by(by),
        now,
        message=queued,
        revision=message.revision,
        expires_at=read.expires_at,
        contract=mapping.contract_of(message.contract_id, row.owner, row.counterparty),
        service_type=read.service_type,
        isps=mapping.request_segments(read.isps),
        forecast_w=dict(read.forecast_w),
    )


# --- what comes in ------------------------------------------------------------------------------------


def take_request(row: models.Message, message: uftp.FlexRequest, now: datetime) -> Judgement:
    """An AGR gets a request: judged at its receipt, stored, and the older revisions of the day superseded."""
    point = lock_point(message.congestion_point)
    market = mapping.market_of(point, row.owner, row.counterparty, message)
    moment = row.received_at or now
    same = models.FlexRequest.objects.filter(
        owner=row.owner, counterparty=row.counterparty, congestion_point=point, period=message.period
    )
    highest = same.aggregate(highest=Max("revision"))["highest"] if point else None
    reasons = uftp.check_request(message, market, moment, highest)
    if reasons or point is None:
        return Judgement.no(reasons)
    request = models.FlexRequest(
        owner=row.owner,
        counterparty=row.counterparty,
        congestion_point=point,
        period=message.period,
        message=row,
        state=RequestState.SENT,
        revision=message.revision,
        expires_at=message.expiration_date_time,
        contract=mapping.contract_of(message.contract_id, row.owner, row.counterparty),
        service_type=message.service_type or "",
        isps=mapping.request_segments(message.isps),
        state_at=now,
        created_at=now,
    )
    sql.insert(request)
    created(request, "receive", Cause.of(row), now)
    name(row, f"{request} {point}")
    move(request, Event.ACCEPT, Cause.of(row), now)
    supersede_older(request, Cause.of(row), now)
    return ACCEPTED


def lock_point(entity_address: str) -> models.CongestionPoint | None:
    """The point, locked, so that two revisions for one day are judged one after the other."""
    return sql.find(models.CongestionPoint, locked=True, entity_address=entity_address)


def _lock_point_of(owner: models.Participant, group: uuid.UUID) -> None:
    """The point comes before its requests, here as when a request is taken in."""
    requests = models.FlexRequest.objects.filter(owner=owner, group=group)
    locked(models.CongestionPoint.objects.filter(pk__in=requests.values("congestion_point"))).first()


def _lock_with_older(request: models.FlexRequest) -> models.FlexRequest:
    """The request as it is now, locked with all that it may supersede, in one order for everybody."""
    same = models.FlexRequest.objects.filter(
        owner=request.owner_id,
        counterparty=request.counterparty_id,
        congestion_point=request.congestion_point_id,
        period=request.period,
    )
    rows: Rows = list(locked(same.filter(Q(pk=request.pk) | Q(revision__lt=request.revision)).order_by("pk")))
    return next(row for row in rows if row.pk == request.pk)


def supersede_older(request: models.FlexRequest, cause: Cause, now: datetime) -> None:
    """End the older ones of its day, except those that end by themselves at this moment."""
    older = models.FlexRequest.objects.filter(
        owner=request.owner_id,
        counterparty=request.counterparty_id,
        congestion_point=request.congestion_point_id,
        period=request.period,
        revision__lt=request.revision,
        state__in=domain.sources(RequestState, Event.SUPERSEDE),
    )
    for row in locked(older.order_by("pk")):
        move(row, Event.SUPERSEDE, cause, now, text=f"by revision {request.revision}")


def request_answered(
    row: models.Message, asked: models.Message, message: uftp.ResponseMessage, now: datetime
) -> None:
    """A DSO gets an AGR's answer to its request."""
    request = sql.find(models.FlexRequest, message=asked)
    if request is None:
        return
    request = _lock_with_older(request)
    if accepted(message):
        request = move(request, Event.ACCEPT, Cause.of(row), now)
        supersede_older(request, Cause.of(row), now)
    else:
        text = message.rejection_reason or ""
        move(request, Event.REJECT, Cause.of(row), now, text=text, reason=text)
