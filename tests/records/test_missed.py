"""Letters that were due and never ordered, found without asking any workflow."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from records.clock import set_ahead
from records.database import Sessions
from records.missed import (
    DUTY_GRACE,
    LOOKED_BACK,
    WAVE_GRACE,
    Missed,
    letters_without_a_trace,
    missed_letters,
)
from records.models import DossierRow
from records.timeline import Line, append
from rules.agenda import Act, Duty, agenda
from rules.civil_time import civil_date
from rules.dossier import Dossier, Phase
from tests.activities.office import Office
from tests.dossiers import HOLDER, a_holder, a_policy, noon
from tests.kept import a_letter, real_now

A_MINUTE = timedelta(minutes=1)
NOTICE = "reminder_30"


async def a_late_holder(
    office: Office, *, late_by: timedelta = timedelta(days=2), settled: bool = False
) -> Duty:
    """Place a holder whose reminder of 30 days is late, and all before it done.

    The clock of the dossier says how late it is.
    """
    dossier = a_holder(civil_date(real_now()) + timedelta(days=60))
    duty = the_duty(dossier)
    done = [d.key for d in agenda(dossier, a_policy()) if d.due_at < duty.due_at]
    await office.place(dossier)
    await set_row(
        office,
        version=3,
        kept_at=noon(dossier.opened_on),
        phase=Phase.IN_FORCE,
        next_due_at=duty.due_at,
        settled=[*done, duty.key] if settled else done,
    )
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, duty.due_at + late_by - real_now())
    return duty


def the_duty(dossier: Dossier) -> Duty:
    (duty,) = (d for d in agenda(dossier, a_policy()) if d.notice == NOTICE)
    assert duty.act is Act.WRITE
    return duty


async def set_row(office: Office, **values: object) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(DossierRow).values(**values))


async def past(sessions: Sessions) -> Sequence[Missed]:
    async with sessions() as session:
        return await missed_letters(session, now=real_now(), limit=50)


async def untraced(sessions: Sessions) -> Sequence[Missed]:
    async with sessions() as session:
        return await letters_without_a_trace(session, [HOLDER], now=real_now())


async def test_a_letter_that_nobody_ordered_is_found_by_either_look(
    office: Office,
) -> None:
    duty = await a_late_holder(office)

    expected = [Missed(duty.key, HOLDER, NOTICE, duty.due_at)]
    assert list(await past(office.sessions)) == expected
    assert list(await untraced(office.sessions)) == expected


async def test_a_next_duty_that_was_written_down_wrong_hides_nothing(
    office: Office,
) -> None:
    await a_late_holder(office)
    await set_row(office, next_due_at=None)

    assert list(await past(office.sessions)) == []
    assert [m.notice for m in await untraced(office.sessions)] == [NOTICE]


@pytest.mark.parametrize(
    ("late_by", "by_next_duty", "by_agenda"),
    [
        (DUTY_GRACE - A_MINUTE, 0, 0),
        (DUTY_GRACE + A_MINUTE, 1, 0),
        (WAVE_GRACE - A_MINUTE, 1, 0),
        (WAVE_GRACE + A_MINUTE, 1, 1),
        (LOOKED_BACK - A_MINUTE, 1, 1),
        (LOOKED_BACK + A_MINUTE, 1, 0),
    ],
    ids=str,
)
async def test_a_letter_is_late_after_a_grace_by_the_dossiers_own_clock(
    office: Office, late_by: timedelta, by_next_duty: int, by_agenda: int
) -> None:
    await a_late_holder(office, late_by=late_by)

    assert len(await past(office.sessions)) == by_next_duty
    assert len(await untraced(office.sessions)) == by_agenda


@pytest.mark.parametrize("trace", ["letter", "withdrawn", "settled", "closed", "new"])
async def test_what_was_done_noted_or_not_begun_is_not_missed(
    office: Office, trace: str
) -> None:
    duty = await a_late_holder(office, settled=trace == "settled")
    match trace:
        case "letter":
            letter = a_letter(NOTICE, "queued")
            letter.key = duty.key
            await office.add(letter)
        case "withdrawn":
            async with office.sessions.begin() as session:
                line = Line("letter_withdrawn", duty.due_at, "r", {"letter": duty.key})
                await append(session, HOLDER, [line])
        case "closed":
            await set_row(office, phase=Phase.CLOSED)
        case "new":
            await set_row(office, version=0)

    assert list(await past(office.sessions)) == []
    assert list(await untraced(office.sessions)) == []


async def test_without_a_moved_clock_the_real_hour_counts(office: Office) -> None:
    dossier = a_holder(civil_date(real_now()) + timedelta(days=29))
    await office.place(dossier)
    duty = the_duty(dossier)
    await set_row(
        office,
        version=1,
        kept_at=noon(date(2026, 1, 1)),
        phase=Phase.IN_FORCE,
        next_due_at=duty.due_at,
    )

    assert NOTICE in {missed.notice for missed in await past(office.sessions)}
