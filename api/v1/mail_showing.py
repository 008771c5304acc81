"""Letters and messages as officers are shown them, by a page or by a machine."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import StepLine
from api.v1.cursors import place_after, place_cursor, task_after, task_cursor
from api.v1.mail_answers import (
    DayLine,
    DueLine,
    DueList,
    FatesCounted,
    LetterShown,
    MailDays,
    MailLine,
    MailList,
    MailShown,
    NoticeLine,
    PostLine,
    PostList,
    Standing,
    TaskAbout,
    Unexplained,
)
from intake.arrival import House
from intake.understanding import understand
from records.clock import database_now
from records.incoming import (
    Received,
    mail_numbered,
    mails_for_people,
    mails_matching,
    raw_mail,
    tasks_about,
)
from records.ledger import (
    Count,
    Fate,
    Span,
    Tally,
    days_with_letters,
    letters_on_their_way,
    tallies,
    together,
)
from records.measures import last_ended_sweep
from records.missed import Missed, missed_letters
from records.trails import (
    LetterFilter,
    Listed,
    fate_numbered,
    instant_of_line,
    letter_numbered,
    letters_at_a_standstill,
    letters_for_people,
    letters_matching,
    letters_nobody_was_told_of,
    letters_to_post,
    steps_in_dossier,
    steps_of,
    steps_replaced,
)
from rules.civil_time import civil_date

LISTED_BACK = timedelta(days=90)
"""How far back a list goes that names no day."""

FAR_AHEAD = date(9999, 12, 30)
"""No end: a demo's clocks go years ahead."""

_MOST = 1000


# --------------------------------------------------------------------- the ledger


async def days_shown(parts: Parts, *, before: date | None, how_many: int) -> MailDays:
    """Show what fell due on the newest days before a day (exclusive), and today.

    It counts thousands of letters: officers who ask at one moment share the answer.
    """
    return await parts.mail_days.ask(
        (before, how_many), lambda: _days_counted(parts, before, how_many)
    )


async def _days_counted(parts: Parts, before: date | None, how_many: int) -> MailDays:
    async with parts.sessions() as session:
        now = await database_now(session)
        today = civil_date(now)
        missed = await missed_letters(session, now=now, limit=_MOST)
        days = await _days(session, missed, before, how_many + 1)
        shown = days[:how_many]
        found = (
            await tallies(session, Span(shown[-1], shown[0]), missed) if days else ()
        )
        of_today = [tally for tally in found if tally.day == today]
        if today not in shown:  # it is counted among the days shown otherwise
            of_today += await tallies(session, Span(today, today), missed)
        standing = await _standing(session, now)
    lines = _day_lines(found)
    return MailDays(
        as_of=now,
        standing=standing,
        today=_day_line(today, of_today),
        days=lines,
        next_before=shown[-1] if len(days) > how_many else None,
    )


async def _days(
    session: AsyncSession,
    missed: Collection[Missed],
    before: date | None,
    how_many: int,
) -> list[date]:
    written = await days_with_letters(session, before=before, how_many=how_many)
    lacking = {civil_date(duty.due_at) for duty in missed}
    earlier = {day for day in lacking if before is None or day < before}
    return sorted(earlier.union(written), reverse=True)[:how_many]


def _day_lines(found: Iterable[Tally]) -> tuple[DayLine, ...]:
    by_day: dict[date, list[Tally]] = defaultdict(list)
    for tally in found:
        by_day[tally.day].append(tally)
    return tuple(_day_line(day, of_day) for day, of_day in by_day.items())


def _day_line(day: date, of_day: Iterable[Tally]) -> DayLine:
    found = tuple(of_day)
    return DayLine(
        day=day,
        count=counted(together(tally.count for tally in found)),
        notices=tuple(
            NoticeLine(notice=tally.notice, count=counted(tally.count))
            for tally in found
        ),
    )


def counted(count: Count) -> FatesCounted:
    """Write a count down."""
    return FatesCounted(
        due=count.due,
        handed_over=count.handed_over,
        unexplained=count.unexplained,
        **{fate.value: count[fate] for fate in Fate},
    )


async def _standing(session: AsyncSession, now: datetime) -> Standing:
    waiting = await letters_on_their_way(session)
    messages = await mails_for_people(session)
    letters = await letters_for_people(session, now=now)
    swept = await last_ended_sweep(session)
    found = swept.found if swept is not None else ()
    return Standing(
        leaving=waiting.leaving,
        deferred=waiting.deferred,
        in_doubt=waiting.in_doubt,
        standstill=waiting.standstill,
        oldest_waiting_since=waiting.oldest_at,
        to_post=letters.to_post,
        nobody_told=letters.nobody_told,
        messages_with_a_task=messages.with_a_task,
        messages_set_aside=messages.set_aside,
        swept_at=swept.ended_at if swept is not None else None,
        findings_for_a_person=sum(mend == "for_a_person" for _, mend in found),
    )


async def unexplained_shown(parts: Parts) -> Unexplained:
    """Show everything of which nothing says why it was not handed over."""
    async with parts.sessions() as session:
        now = await database_now(session)
        missed = await missed_letters(session, now=now, limit=_MOST)
        still = await letters_at_a_standstill(session, limit=_MOST)
        untold = await letters_nobody_was_told_of(session, now=now, limit=_MOST)
    return Unexplained(
        missed=tuple(
            DueLine(
                key=None,
                dossier=duty.dossier,
                notice=duty.notice,
                occurred_at=duty.due_at,
                state=Fate.MISSED,
            )
            for duty in missed
        ),
        standstill=tuple(_due(letter) for letter in still),
        nobody_told=tuple(_due(letter) for letter in untold),
    )


# ------------------------------------------------------------------------ letters


async def letters_shown(
    parts: Parts,
    *,
    fates: frozenset[Fate],
    notice: str | None,
    span: Span | None,
    cursor: str | None,
    limit: int,
) -> DueList:
    """Show a page of what fell due; without a span, of the last ninety days.

    No *fates* are all those of letters; a superseded step is asked for alone.
    """
    after = place_after(cursor)
    async with parts.sessions() as session:
        if span is None:
            today = civil_date(await database_now(session))
            span = Span(today - LISTED_BACK, FAR_AHEAD)
        wanted = LetterFilter(span=span, fates=fates, notice=notice)
        if fates == {Fate.SUPERSEDED}:
            steps = await steps_replaced(session, wanted, after=after, limit=limit + 1)
            lines = [
                DueLine(
                    key=None,
                    dossier=step.dossier,
                    notice=step.notice,
                    occurred_at=step.due_at,
                    state=Fate.SUPERSEDED,
                )
                for step in steps
            ]
        else:
            rows = await letters_matching(session, wanted, after=after, limit=limit + 1)
            lines = [_due(row) for row in rows]
    page, more = lines[:limit], None
    if len(lines) > limit:
        last = page[-1]
        more = place_cursor(last.occurred_at, last.key or last.dossier)
    return DueList(
        first=span.first,
        last=None if span.last == FAR_AHEAD else span.last,
        letters=tuple(page),
        next_cursor=more,
    )


def _due(letter: Listed) -> DueLine:
    return DueLine(
        key=letter.key,
        dossier=letter.dossier,
        notice=letter.notice,
        occurred_at=letter.occurred_at,
        state=letter.fate,
        language=letter.language,
        subject=letter.subject,
        answer=letter.answer,
        copy_of_on=date.fromisoformat(letter.copy_of_on) if letter.copy_of_on else None,
    )


async def letter_shown(parts: Parts, key: str) -> LetterShown:
    """Show a letter with its steps; raises Refused for an unknown one."""
    async with parts.sessions() as session:
        letter = await letter_numbered(session, key)
        if letter is None:
            raise Refused(Code.NOT_FOUND)
        fate = await fate_numbered(session, key)
        steps = await steps_of(session, key)
        about = await tasks_about(session, [key, f"bounce:{key}"])
    return LetterShown(
        key=letter.key,
        dossier=letter.dossier,
        notice=letter.notice,
        occurred_at=letter.occurred_at,
        state=fate,
        language=letter.language,
        recipient=letter.recipient,
        subject=letter.subject,
        body=letter.body,
        message_id=letter.message_id,
        answer=letter.answer,
        steps=tuple(StepLine.model_validate(step) for step in steps),
        tasks=tuple(
            TaskAbout.model_validate(task) for tasks in about.values() for task in tasks
        ),
    )


async def steps_beside(
    session: AsyncSession,
    number: str,
    *,
    after: int,
    until: datetime | None,
) -> tuple[StepLine, ...]:
    """Show the steps of letters that belong to one page of a history.

    Those later than the line at position *after*, up to *until* (inclusive), the
    instant of the page's last line; no end for the last page.
    """
    begins = await instant_of_line(session, number, after)
    steps = await steps_in_dossier(session, number, after=begins, until=until)
    return tuple(StepLine.model_validate(step) for step in steps)


async def post_shown(parts: Parts, *, cursor: str | None, limit: int) -> PostList:
    """Show a page of letters about a right that did not arrive."""
    async with parts.sessions() as session:
        rows = await letters_to_post(session, after=task_after(cursor), limit=limit + 1)
    lines = tuple(
        PostLine(
            letter=_due(row.letter),
            printable=row.letter.subject is not None,
            task_id=row.task_id,
            reason=row.reason,
            due_on=row.due_on,
            escalated=row.escalated,
        )
        for row in rows[:limit]
    )
    last = lines[-1] if len(rows) > limit else None
    more = None if last is None else task_cursor(last.due_on, last.task_id)
    return PostList(letters=lines, next_cursor=more)


# ----------------------------------------------------------------------- messages


async def messages_shown(
    parts: Parts, *, outcome: str | None, cursor: str | None, limit: int
) -> MailList:
    """Show a page of messages that came in."""
    after = place_after(cursor)
    async with parts.sessions() as session:
        rows = await mails_matching(session, outcome, after=after, limit=limit + 1)
        lines = await _mail_lines(session, rows[:limit])
    last = lines[-1] if len(rows) > limit else None
    more = None if last is None else place_cursor(last.received_at, last.mail_id)
    return MailList(messages=lines, next_cursor=more)


async def _mail_lines(
    session: AsyncSession, rows: Collection[Received]
) -> tuple[MailLine, ...]:
    about = await tasks_about(session, [row.mail_id for row in rows])
    return tuple(
        MailLine(
            mail_id=row.mail_id,
            received_at=row.received_at,
            sender=masked(row.sender),
            subject=row.subject,
            outcome=row.outcome,
            dossier=row.dossier,
            door=row.door,
            copies=row.copies,
            tasks=tuple(
                TaskAbout.model_validate(task) for task in about.get(row.mail_id, ())
            ),
        )
        for row in rows
    )


async def message_shown(parts: Parts, mail_id: str) -> MailShown:
    """Show a message as it was read; raises Refused for an unknown one."""
    async with parts.sessions() as session:
        row = await mail_numbered(session, mail_id)
        if row is None:
            raise Refused(Code.NOT_FOUND)
        (line,) = await _mail_lines(session, [row])
        raw = await raw_mail(session, mail_id)
    # A large message must not keep the others waiting.
    read = await asyncio.to_thread(understand, raw or b"", House.of(parts.settings))
    looked_at = row.understood.get("looked_at")
    return MailShown(
        **line.model_dump(exclude={"sender"}),
        sender=row.sender,
        text=read.text,
        understood=dict(row.understood),
        looked_at=None if looked_at is None else datetime.fromisoformat(looked_at),
        looked_at_by=row.understood.get("looked_at_by"),
    )


def masked(address: str | None) -> str | None:
    """Show of an address its first character and its domain.

    >>> masked("zoe@courriel.example"), masked("z@courriel.example")
    ('z…@courriel.example', '…@courriel.example')
    """
    if address is None:
        return None
    name, _, domain = address.rpartition("@")
    return f"{name[:1] if len(name) > 1 else ''}…@{domain}"
