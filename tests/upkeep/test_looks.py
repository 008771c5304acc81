"""R4, R5, R6, R13: each kind of disagreement planted, each found in one sweep."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio.client import Client

from activities.upkeep import Upkeep
from engine import begin
from intake.delivery import deliver
from records.clock import set_ahead
from records.models import DossierRow, Letter
from rules.dossier import Phase
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.upkeep.sweeping import (
    at_work,
    found,
    has_applied,
    real_now,
    set_row,
    signals_in,
    tell_nobody_yet,
    until,
)
from workflows.upkeep import Check, Mend


async def a_living_story(office: Office, temporal: Client) -> None:
    """A newcomer's story that has kept one record; call it with workers at work."""
    await office.place(a_newcomer())
    await tell_nobody_yet(office)
    assert await deliver(office.sessions, temporal, ["exam-1"]) == ()
    await until(lambda: has_applied(office))


@pytest.mark.parametrize("version", [0, 7], ids=["row is older", "story is older"])
async def test_a_row_and_a_story_of_different_versions_are_brought_together(
    office: Office, temporal: Client, upkeep: Upkeep, version: int
) -> None:
    async with at_work(office, temporal):
        await a_living_story(office, temporal)
        agreed = await upkeep.sweep(real_now())
        await set_row(office, NEWCOMER, version=version)
        differs = await upkeep.sweep(real_now(), thorough=True)
        mended = await upkeep.sweep(real_now(), thorough=True)

    assert found(agreed, Check.VERSIONS) == []
    assert found(differs, Check.VERSIONS) == [(NEWCOMER, Mend.REPAIRED)]
    assert found(mended, Check.VERSIONS) == []
    row = await office.one(DossierRow, NEWCOMER)
    assert (row.phase, row.version) == (Phase.TO_FINALIZE, max(1, version))


async def test_stories_that_no_worker_answers_for_are_given_to_a_person(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await office.place(a_newcomer())
    await begin(temporal, NEWCOMER)

    report = await unattended.sweep(real_now())

    assert found(report, Check.VERSIONS) == [("worker", Mend.FOR_A_PERSON)]


@pytest.mark.parametrize(
    ("late_by", "ahead", "expected"),
    [
        (timedelta(minutes=29), timedelta(), []),
        (timedelta(minutes=31), timedelta(), [(NEWCOMER, Mend.REPAIRED)]),
        (timedelta(minutes=61), timedelta(), [(NEWCOMER, Mend.FOR_A_PERSON)]),
        (-timedelta(days=90), timedelta(days=89), []),
        (
            -timedelta(days=90),
            timedelta(days=90, minutes=31),
            [(NEWCOMER, Mend.REPAIRED)],
        ),
    ],
)
async def test_a_duty_past_by_the_dossiers_own_clock_is_found_and_its_story_woken(
    office: Office,
    temporal: Client,
    unattended: Upkeep,
    late_by: timedelta,
    ahead: timedelta,
    expected: list[tuple[str, Mend]],
) -> None:
    await office.place(a_newcomer())
    await begin(temporal, NEWCOMER)
    now = real_now()
    await set_row(office, NEWCOMER, next_due_at=now - late_by)
    if ahead:
        async with office.sessions.begin() as session:
            await set_ahead(session, NEWCOMER, ahead)

    report = await unattended.sweep(now)

    assert found(report, Check.DUTIES) == expected
    woken = any(mend is Mend.REPAIRED for _, mend in expected)
    assert ("wake" in await signals_in(temporal, NEWCOMER)) is woken


@pytest.mark.parametrize(
    ("minutes", "state", "expected"),
    [
        (14, "sending", []),
        (16, "sending", [Mend.REPAIRED]),
        (61, "sending", [Mend.FOR_A_PERSON]),
        (61, "accepted", []),
    ],
)
async def test_a_letter_whose_handing_over_never_ended_wakes_its_story(
    office: Office,
    temporal: Client,
    unattended: Upkeep,
    minutes: int,
    state: str,
    expected: list[Mend],
) -> None:
    await office.place(a_newcomer())
    await begin(temporal, NEWCOMER)
    now = real_now()
    await office.add(
        Letter(
            key="letter-1",
            dossier=NEWCOMER,
            notice="receipt",
            ordered={},
            occurred_at=now,
            state=state,
            changed_at=now - timedelta(minutes=minutes),
        )
    )

    report = await unattended.sweep(now)

    assert [mend for _, mend in found(report, Check.LETTERS)] == expected
    assert await signals_in(temporal, NEWCOMER) == ["wake"] * len(expected)


async def test_a_database_whose_clock_is_wrong_is_given_to_a_person(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    right = await unattended.sweep(real_now())
    async with office.sessions.begin() as session:
        # A database that answers with another hour: its own function stands before.
        await session.execute(
            text(
                "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz"
                " LANGUAGE sql AS"
                " $$ SELECT pg_catalog.clock_timestamp() + interval '31 s' $$"
            )
        )
        name = (await session.execute(text("SELECT current_database()"))).scalar_one()
        await session.execute(
            text(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
        )
    engine = office.sessions.kw["bind"]
    await engine.dispose()  # the next connections take the new path

    wrong = await unattended.sweep(real_now())

    assert found(right, Check.CLOCKS) == []
    assert found(wrong, Check.CLOCKS) == [("database", Mend.FOR_A_PERSON)]
