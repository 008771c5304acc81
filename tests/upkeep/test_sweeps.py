"""R15: sweeps are scheduled once, bounded, and leave a trace of what they did."""

from datetime import timedelta
from typing import get_type_hints

from temporalio.client import Client
from temporalio.worker import Worker

from activities.reconciling import reconcile_once
from activities.upkeep import Upkeep
from records.sweeps import Sweep
from settings import Settings
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.upkeep.server import a_closed_port, a_server, settings_for
from tests.upkeep.sweeping import (
    at_work,
    found,
    real_now,
    set_row,
    tell_nobody_yet,
    until,
)
from workflows.effects import RENEWALS
from workflows.upkeep import (
    FINDINGS_SHOWN,
    SWEEP_SCHEDULE_ID,
    Check,
    Mend,
    ReconciliationWorkflow,
    ensure_schedule,
    reconcile,
)


def settings_of(office: Office, client: Client) -> Settings:
    return settings_for(
        office.url,
        ECHEANCE_TEMPORAL_ADDRESS=client.service_client.config.target_host,
        ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
    )


async def test_a_sweep_writes_down_what_it_did_and_the_age_of_the_one_before(
    office: Office, temporal: Client, upkeep: Upkeep
) -> None:
    await office.place(a_newcomer())

    async with at_work(office, temporal):
        first = await upkeep.sweep(real_now())
        second = await upkeep.sweep(real_now())

    rows = sorted(await office.rows(Sweep), key=lambda row: row.started_at)
    assert [(row.started_at, row.ended_at) for row in rows] == [
        (first.started_at, first.ended_at),
        (second.started_at, second.ended_at),
    ]
    assert [row.repaired for row in rows] == [1, 0]
    assert rows[0].checked == first.checked > 0
    assert [finding["about"] for finding in rows[0].findings] == [NEWCOMER]
    assert first.previous_age_s is None
    age = rows[1].started_at - rows[0].started_at
    assert second.previous_age_s == age.total_seconds()


async def test_a_sweep_cut_short_leaves_a_row_without_an_end(office: Office) -> None:
    await office.place(a_newcomer())
    upkeep = Upkeep(office.sessions, client=None)  # type: ignore[arg-type] # it breaks

    try:
        await upkeep.sweep(real_now())
    except AttributeError:
        cut_short = True

    [row] = await office.rows(Sweep)
    assert cut_short
    assert row.ended_at is None


async def test_a_report_counts_everything_and_shows_a_bounded_part(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    for number in range(FINDINGS_SHOWN + 5):
        await tell_nobody_yet(office, fact_id=f"exam-{number}")

    report = await unattended.sweep(real_now() + timedelta(minutes=2))

    assert report.found == FINDINGS_SHOWN + 5
    assert len(report.findings) == FINDINGS_SHOWN
    [row] = await office.rows(Sweep)
    assert len(row.findings) == FINDINGS_SHOWN


async def test_the_schedule_is_made_once_and_runs_the_sweep(office: Office) -> None:
    async def has_swept() -> bool:
        return any(row.ended_at is not None for row in await office.rows(Sweep))

    async with a_server() as temporal:
        await ensure_schedule(temporal)
        await ensure_schedule(temporal)
        schedule = temporal.get_schedule_handle(SWEEP_SCHEDULE_ID)
        worker = Worker(
            temporal,
            task_queue=RENEWALS,
            workflows=[ReconciliationWorkflow],
            activities=[Upkeep(office.sessions, temporal).reconcile],
        )
        async with worker:
            await schedule.trigger()
            await until(has_swept)
        schedules = [each.id async for each in await temporal.list_schedules()]

    assert schedules == [SWEEP_SCHEDULE_ID]


async def test_the_story_and_the_effect_agree_on_the_sweep() -> None:
    named = Upkeep.reconcile.__temporal_activity_definition  # type: ignore[attr-defined] # set by the SDK
    stub = reconcile.__temporal_activity_definition  # type: ignore[attr-defined] # set by the SDK

    assert named.name == stub.name == "reconcile"
    assert get_type_hints(Upkeep.reconcile) == get_type_hints(reconcile)


async def test_the_command_line_is_clean_then_repairs_then_asks_for_a_person(
    office: Office, temporal: Client
) -> None:
    settings = settings_of(office, temporal)

    clean = await reconcile_once(settings)
    await office.place(a_newcomer())
    async with at_work(office, temporal):
        repaired = await reconcile_once(settings)
        again = await reconcile_once(settings)
        long_ago = real_now() - timedelta(days=1)
        await set_row(office, NEWCOMER, next_due_at=long_ago)
        person = await reconcile_once(settings)

    assert [r.exit_code for r in (clean, repaired, again, person)] == [0, 1, 0, 2]
    assert found(repaired, Check.RUNNING) == [(NEWCOMER, Mend.REPAIRED)]


async def test_the_command_line_answers_while_temporal_is_away(office: Office) -> None:
    settings = settings_for(
        office.url,
        ECHEANCE_TEMPORAL_ADDRESS=f"127.0.0.1:{await a_closed_port()}",
    )

    report = await reconcile_once(settings)

    assert found(report, Check.TEMPORAL) == [("server", Mend.FOR_A_PERSON)]
    assert report.exit_code == 2
