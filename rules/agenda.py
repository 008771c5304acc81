"""A dossier's whole future: what falls due, when, and by which rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from rules.civil_time import (
    add_months,
    at_local,
    civil_date,
    delay,
    end_of,
    last_day,
    spread,
    start_of,
)
from rules.dossier import Dossier, Stage, TransferRequest
from rules.fees import replaced_on
from rules.links import remindable_from
from rules.notices import LINK_REMINDER
from rules.policy import ExamLadderFrom, Policy, RemindersFrom, Rung
from rules.reasons import (
    DELAYS,
    EXAM_PAGE,
    EXPIRY_PAGE,
    NOTICE_BEFORE_REFUSAL,
    OUR_POLICY,
    RENEWAL_PAGE,
    STOPPAGE_PAGE,
    Citation,
)
from rules.standing import (
    last_day_to_renew,
    last_day_unlinked,
    unlinked_too_long_since,
)
from rules.transfer import bare_last_day_to_finish, last_day_to_finish


class Act(StrEnum):
    """What a duty does when it falls due."""

    WRITE = "write"  # send the letter named by the notice
    OPEN_RENEWAL = "open_renewal"  # ask the fee of the next term
    REPLACE_INVOICE = "replace_invoice"  # its amount no longer holds
    END_RENEWAL = "end_renewal"  # a payment would no longer renew
    EXPIRE = "expire"
    LAPSE_EXAM = "lapse_exam"
    END_UNLINKED = "end_unlinked"
    CLOSE_REQUEST = "close_request"
    END_OBSERVATIONS = "end_observations"
    ESCALATE = "escalate"
    LOOK_AGAIN = "look_again"  # a date told ahead arrives: a link, a permit


@dataclass(frozen=True, slots=True)
class Duty:
    """One dated entry of the agenda.

    *key* is the identity of what it causes, the letter included. A step of a *ladder*
    may be done in [due_at, useless_at) only; a duty without *useless_at* is never too
    late.
    """

    key: str
    act: Act
    due_at: datetime
    source: Citation
    notice: str | None = None
    ladder: str | None = None
    useless_at: datetime | None = None
    about: str | None = None  # the task or request it concerns


def agenda(dossier: Dossier, policy: Policy) -> tuple[Duty, ...]:
    """
    List every duty of *dossier*, past and future, oldest first, each key once.

    The clock plays no part: moving it changes which duties are past, never which exist.
    """
    if dossier.ending is not None:
        return ()
    duties = [
        *_of_tasks(dossier),
        *_of_request(dossier, policy),
        *_of_dates_told_ahead(dossier),
        *_of_silent_agencies(dossier, policy),
        *_of_invoices(dossier, policy),
    ]
    if dossier.terms:
        duties += _of_term(dossier, policy)
    elif dossier.exam is not None:
        duties += _of_finalizing(dossier, policy)
    return tuple(sorted(duties, key=lambda duty: (duty.due_at, duty.key)))


def _of_term(dossier: Dossier, policy: Policy) -> Iterable[Duty]:
    term = dossier.terms[-1]
    ends_at = start_of(term.echeance)
    stem = f"{dossier.number}/{term.echeance}"
    yield Duty(f"{stem}/expire", Act.EXPIRE, ends_at, EXPIRY_PAGE)
    since = unlinked_too_long_since(dossier, policy)
    if since is not None:
        too_long_at = end_of(last_day_unlinked(since, policy))
        if too_long_at < ends_at:
            yield Duty(
                f"{dossier.number}/{since}/end_unlinked",
                Act.END_UNLINKED,
                too_long_at,
                STOPPAGE_PAGE,
            )
            ends_at = too_long_at
    yield from _ladder(
        stem,
        (Rung(0, "account_dormant"),),
        add_months(term.start, policy.account_dormant_after_months),
        ends_at,
        policy,
        source=RENEWAL_PAGE,
    )
    yield from _ladder(
        stem,
        policy.reminders,
        _reminders_counted_from(term.echeance, policy),
        ends_at,
        policy,
        source=RENEWAL_PAGE,
    )
    opening = _opening_of_renewal(stem, term.echeance, policy)
    if opening.due_at < ends_at:
        yield opening


def _of_invoices(dossier: Dossier, policy: Policy) -> Iterable[Duty]:
    """An open invoice is replaced when its amount changes, and void once in vain."""
    for invoice in dossier.invoices:
        if not invoice.is_open:
            continue
        stem = f"{dossier.number}/invoice-{invoice.invoice_id}"
        changes_on = replaced_on(invoice, policy)
        if changes_on is not None:
            yield Duty(
                f"{stem}/fee-{changes_on}",
                Act.REPLACE_INVOICE,
                start_of(changes_on),
                RENEWAL_PAGE,
                about=invoice.invoice_id,
            )
        # Without an extended delay the expiry itself ends the renewal.
        if invoice.renews is not None and invoice.renews == dossier.echeance:
            limit = last_day_to_renew(invoice.renews, policy)
            if limit >= invoice.renews:
                yield Duty(
                    f"{stem}/over",
                    Act.END_RENEWAL,
                    end_of(limit),
                    DELAYS,
                    about=invoice.invoice_id,
                )


def _opening_of_renewal(stem: str, echeance: date, policy: Policy) -> Duty:
    """Open at the hour of the first reminder, which says so: one wake-up for both."""
    opens_at = _morning(stem, renewal_opens_on(echeance, policy), policy)
    return Duty(f"{stem}/open_renewal", Act.OPEN_RENEWAL, opens_at, OUR_POLICY)


def renewal_opens_on(echeance: date, policy: Policy) -> date:
    """Name the day on which the fee of the next term is asked: the first reminder's.

    The opening of the renewal window is not published; our policy, not law.
    """
    first = max((rung.days_before for rung in policy.reminders), default=90)
    return _reminders_counted_from(echeance, policy) - timedelta(days=first)


def _reminders_counted_from(echeance: date, policy: Policy) -> date:
    if policy.reminders_counted_from is RemindersFrom.LAST_VALID_DAY:
        return last_day(echeance)
    return echeance


def _of_finalizing(dossier: Dossier, policy: Policy) -> Iterable[Duty]:
    exam = dossier.exam
    assert exam is not None
    limit = last_day_to_finish(exam, policy)
    counted_from = (
        limit
        if policy.exam_ladder_counted_from is ExamLadderFrom.EXTENDED_LIMIT
        else bare_last_day_to_finish(exam, policy)
    )
    stem = f"{dossier.number}/exam-{limit}"
    yield from _ladder(
        stem, policy.exam_ladder, counted_from, end_of(limit), policy, source=EXAM_PAGE
    )
    yield Duty(f"{stem}/lapse", Act.LAPSE_EXAM, end_of(limit), DELAYS)


def _of_request(dossier: Dossier, policy: Policy) -> Iterable[Duty]:
    request = dossier.request
    if request is None:
        return
    stem = f"{dossier.number}/request-{request.request_id}"
    if request.stage is Stage.ITEMS_MISSING:
        yield from _of_missing_items(stem, request, policy)
    if request.stage is Stage.NOTICE_GIVEN and request.observe_until is not None:
        yield Duty(
            f"{stem}/end_observations",
            Act.END_OBSERVATIONS,
            end_of(request.observe_until),
            NOTICE_BEFORE_REFUSAL,
            about=request.request_id,
        )


def _of_missing_items(
    stem: str, request: TransferRequest, policy: Policy
) -> Iterable[Duty]:
    assert request.complete_by is not None
    closes_at = end_of(request.complete_by)
    chase_on = delay(
        request.asked_on,
        policy.missing_items_chase_days,
        delays_extended=policy.delays_extended,
    )
    chase_at = _morning(f"{stem}/chase", chase_on, policy)
    if chase_at < closes_at:
        yield Duty(
            f"{stem}/chase",
            Act.WRITE,
            chase_at,
            OUR_POLICY,
            notice="items_missing",
            useless_at=closes_at,
            about=request.request_id,
        )
    yield Duty(
        f"{stem}/close",
        Act.CLOSE_REQUEST,
        closes_at,
        OUR_POLICY,
        about=request.request_id,
    )


def _of_tasks(dossier: Dossier) -> Iterable[Duty]:
    for task in dossier.tasks:
        yield Duty(
            f"{dossier.number}/task-{task.task_id}/escalate",
            Act.ESCALATE,
            end_of(task.due_on),
            OUR_POLICY,
            about=task.task_id,
        )


def _of_dates_told_ahead(dossier: Dossier) -> Iterable[Duty]:
    """A link may begin or end, and a permit change, on a day told before."""
    days = {day for link in dossier.links for day in (link.since, link.until) if day}
    days |= {change.effective_on for change in dossier.permit_changes}
    for day in sorted(days):
        yield Duty(
            f"{dossier.number}/links-{day}",
            Act.LOOK_AGAIN,
            start_of(day),
            STOPPAGE_PAGE,
        )


def _of_silent_agencies(dossier: Dossier, policy: Policy) -> Iterable[Duty]:
    """A person's reminder stands until the agency answers or may be reminded again."""
    for link in dossier.links:
        if not link.is_waiting or link.reminded_at is None:
            continue
        again_on = remindable_from(link, policy)
        assert again_on is not None
        yield Duty(
            f"{dossier.number}/{link.link_id}/{civil_date(link.reminded_at)}/"
            f"{LINK_REMINDER}",
            Act.WRITE,
            link.reminded_at,
            OUR_POLICY,
            notice=LINK_REMINDER,
            useless_at=start_of(again_on),
            about=link.link_id,
        )


def _ladder(
    stem: str,
    rungs: tuple[Rung, ...],
    counted_from: date,
    ends_at: datetime,
    policy: Policy,
    *,
    source: Citation,
) -> tuple[Duty, ...]:
    """Lay out steps, each useful until the next one begins, the last until the end."""
    days = [counted_from - timedelta(days=rung.days_before) for rung in rungs]
    dues = [_morning(stem, day, policy) for day in days]
    return tuple(
        Duty(
            f"{stem}/{rung.notice}",
            Act.WRITE,
            due_at,
            source,
            notice=rung.notice,
            ladder=f"{stem}/{rungs[0].notice}",
            useless_at=min(useless_at, ends_at),
        )
        for rung, due_at, useless_at in zip(
            rungs, dues, [*dues[1:], ends_at], strict=True
        )
        if due_at < ends_at
    )


def _morning(key: str, day: date, policy: Policy) -> datetime:
    """Name the instant of a letter: from 09:00 on, spread over the policy's window."""
    window = timedelta(minutes=policy.letters_spread_minutes)
    return at_local(day, time(policy.letters_from_hour)) + spread(key, window)


@dataclass(frozen=True, slots=True)
class Falling:
    """What has fallen due: what to do, what came too late, and what is next."""

    to_do: tuple[Duty, ...]
    superseded: tuple[Duty, ...]
    next_at: datetime | None


def falling_due(
    duties: tuple[Duty, ...], settled: frozenset[str], now: datetime
) -> Falling:
    """
    Sort the unsettled duties by *now*.

    Late is normal: steps of a ladder that are past their window are superseded by the
    present one, never sent under an old text. Duties of law are never superseded.
    """
    open_duties = [d for d in duties if d.key not in settled]
    due = [d for d in open_duties if d.due_at <= now]
    too_late = tuple(d for d in due if d.useless_at is not None and d.useless_at <= now)
    waits = [d.due_at for d in open_duties if d.due_at > now]
    return Falling(
        to_do=tuple(d for d in due if d not in too_late),
        superseded=too_late,
        next_at=min(waits, default=None),
    )


def civil_day_of(duty: Duty) -> date:
    """Name the civil day in Québec on which a duty falls."""
    return civil_date(duty.due_at)
