"""R1, R2: every fact is applied once, every open dossier has its workflow."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus

from activities.sweeping_runs import MOST_STARTED
from activities.upkeep import Upkeep
from engine import begin
from intake.delivery import deliver
from records.models import DossierRow, FactRow, TimelineEntry
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, RIVAL, a_newcomer
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


async def is_running(client: Client, number: str) -> bool:
    told = await client.get_workflow_handle(number).describe()
    return told.status is WorkflowExecutionStatus.RUNNING


async def place_newcomers(office: Office, how_many: int) -> Sequence[DossierNumber]:
    numbers = [DossierNumber(f"CAR2026{i:08}") for i in range(how_many)]
    for number in numbers:
        await office.place(a_newcomer(number=number), person=f"P{number} Roy")
    return numbers


async def exams_noted(office: Office) -> int:
    lines = await office.rows(TimelineEntry)
    return [line.what for line in lines].count("exam_passed")


async def test_a_fact_kept_while_temporal_was_away_is_told_by_the_next_sweep_once(
    office: Office, temporal: Client, temporal_away: Client, upkeep: Upkeep
) -> None:
    await office.place(a_newcomer())
    await tell_nobody_yet(office)
    assert await deliver(office.sessions, temporal_away, ["exam-1"]) == ("exam-1",)

    async with at_work(office, temporal):
        await begin(temporal, NEWCOMER)
        soon = await upkeep.sweep(real_now() + timedelta(minutes=2))
        await until(lambda: has_applied(office))
        later = await upkeep.sweep(real_now() + timedelta(minutes=6))

    assert found(soon, Check.FACTS) == [("exam-1", Mend.REPAIRED)]
    assert (soon.exit_code, later.exit_code) == (1, 0)
    assert await exams_noted(office) == 1
    assert (await office.one(DossierRow, NEWCOMER)).phase == Phase.TO_FINALIZE


async def test_a_fact_just_stored_is_left_to_its_own_door(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await tell_nobody_yet(office)

    report = await unattended.sweep(real_now())

    assert found(report, Check.FACTS) == []
    assert (await office.one(FactRow, "exam-1")).state == "new"


async def test_a_fact_told_and_not_applied_is_told_again_and_heard_once(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await office.place(a_newcomer())
    await tell_nobody_yet(office)
    await deliver(office.sessions, temporal, ["exam-1"])

    early = await unattended.sweep(real_now() + timedelta(minutes=2))
    late = await unattended.sweep(real_now() + timedelta(minutes=6))
    assert await signals_in(temporal, NEWCOMER) == ["exam_passed"] * 2
    async with at_work(office, temporal):
        await until(lambda: has_applied(office))

    assert found(early, Check.FACTS) == []
    assert found(late, Check.FACTS) == [("exam-1", Mend.REPAIRED)]
    assert await exams_noted(office) == 1


async def test_a_fact_told_for_an_hour_in_vain_is_given_to_a_person(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await office.place(a_newcomer())
    await tell_nobody_yet(office)
    await deliver(office.sessions, temporal, ["exam-1"])

    report = await unattended.sweep(real_now() + timedelta(minutes=61))

    assert found(report, Check.FACTS) == [("exam-1", Mend.FOR_A_PERSON)]


async def test_a_sweep_without_temporal_says_so_and_leaves_the_facts(
    office: Office, temporal_away: Client
) -> None:
    await tell_nobody_yet(office)
    upkeep = Upkeep(office.sessions, temporal_away)

    report = await upkeep.sweep(real_now() + timedelta(minutes=2))

    assert found(report, Check.TEMPORAL) == [("server", Mend.FOR_A_PERSON)]
    assert found(report, Check.FACTS) == [("exam-1", Mend.FOR_A_PERSON)]
    assert report.exit_code == 2
    assert (await office.one(FactRow, "exam-1")).state == "new"


async def test_a_terminated_workflow_is_started_again_and_goes_on(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    await office.place(a_newcomer())
    async with at_work(office, temporal):
        await begin(temporal, NEWCOMER)
        await temporal.get_workflow_handle(NEWCOMER).terminate("planted")
        report = await upkeep.sweep(real_now())
        assert await is_running(temporal, NEWCOMER)
        await tell_nobody_yet(office)
        await deliver(office.sessions, temporal, ["exam-1"])
        await until(lambda: has_applied(office))
        after = await upkeep.sweep(real_now())

    assert found(report, Check.RUNNING) == [(NEWCOMER, Mend.REPAIRED)]
    assert (after.found, after.exit_code) == (0, 0)
    assert (await office.one(DossierRow, NEWCOMER)).phase == Phase.TO_FINALIZE


async def test_more_than_ten_lost_workflows_are_left_to_a_person(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    numbers = await place_newcomers(office, MOST_STARTED + 1)

    async with at_work(office, temporal):
        report = await upkeep.sweep(real_now())
        started = [w.id async for w in temporal.list_workflows()]
        rebuilt = await upkeep.sweep(real_now(), rebuild=True)
        running = [await is_running(temporal, number) for number in numbers]

    assert found(report, Check.RUNNING) == [("namespace", Mend.FOR_A_PERSON)]
    assert (report.exit_code, started) == (2, [])
    assert sorted(found(rebuilt, Check.RUNNING)) == [
        (number, Mend.REPAIRED) for number in numbers
    ]
    assert all(running)


async def test_ten_lost_workflows_are_started_again(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    await place_newcomers(office, MOST_STARTED)

    async with at_work(office, temporal):
        report = await upkeep.sweep(real_now())

    assert (report.found, report.repaired, report.exit_code) == (10, 10, 1)


async def test_a_closed_dossier_needs_no_workflow(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await office.place(a_newcomer())
    await set_row(office, NEWCOMER, phase=Phase.CLOSED)

    report = await unattended.sweep(real_now())

    assert (report.found, report.exit_code) == (0, 0)


async def test_a_missing_workflow_hidden_by_a_stray_one_is_found_at_the_long_look(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    await office.place(a_newcomer())
    await begin(temporal, NEWCOMER)

    async with at_work(office, temporal):
        first = await upkeep.sweep(real_now())
        await temporal.get_workflow_handle(NEWCOMER).terminate("planted")
        await office.place(a_newcomer(number=RIVAL), person="Nadia Roy")
        await begin(temporal, RIVAL)
        await set_row(office, RIVAL, phase=Phase.CLOSED)
        hidden = await upkeep.sweep(first.started_at)
        shown = await upkeep.sweep(hidden.started_at + timedelta(minutes=15))

    assert found(hidden, Check.RUNNING) == []
    assert found(shown, Check.RUNNING) == [(NEWCOMER, Mend.REPAIRED)]
    assert found(shown, Check.STRAYS) == [(RIVAL, Mend.FOR_A_PERSON)]


async def test_a_fact_for_a_number_nobody_bears_ends_with_a_person(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    await tell_nobody_yet(office)

    async def is_dead() -> bool:
        return (await office.one(FactRow, "exam-1")).state == "dead"

    async with at_work(office, temporal):
        await upkeep.sweep(real_now() + timedelta(minutes=2))
        await until(is_dead)
        after = await upkeep.sweep(real_now() + timedelta(minutes=6))

    assert after.exit_code == 0
