"""Time zones change under running stories: civil days stay, instants follow."""

import signal
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio.client import Client

from engine import begin, story_of
from intake.delivery import deliver, store_fact
from records.models import Agency, DossierRow, Letter
from rules.civil_time import ZONE, civil_date
from tests.activities.office import Office
from tests.activities.test_worker import Running, Starting
from tests.dossiers import HOLDER, PERMIT, a_holder
from tests.faults.ending import nothing_is_found
from tests.faults.time_zones import stays_on_summer_time
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import has_applied, until
from tests.workflows.telling import mail
from workflows.messages import DutyView, MailWish
from workflows.renewal import RenewalWorkflow

AN_HOUR = timedelta(hours=1)


def a_winter() -> tuple[date, datetime]:
    """Name an échéance in the next January but one, and the autumn before it."""
    year = datetime.now(UTC).year + 2
    return date(year, 1, 20), datetime(year - 1, 10, 1, tzinfo=UTC)


async def reminders(client: Client) -> dict[str, DutyView]:
    duties = await story_of(client, HOLDER).query(RenewalWorkflow.show_agenda)
    return {duty.notice: duty for duty in duties if duty.notice}


async def left(worker: Running) -> str:
    """Ask a worker to stop, and give what it said."""
    worker.process.send_signal(signal.SIGTERM)
    code, said = await worker.leaves()
    assert code == 0, said
    return said


async def test_new_time_zones_move_the_instants_of_a_story_and_none_of_its_days(
    office: Office,
    temporal_server: str,
    start: Starting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = await a_namespace(temporal_server)
    monkeypatch.setenv("ECHEANCE_TEMPORAL_NAMESPACE", client.namespace)
    monkeypatch.setenv("PYTHONTZPATH", "")
    echeance, since = a_winter()
    await office.place(a_holder(echeance))
    await office.add(Agency(permit=PERMIT, name="Boréal", email="b@a.example"))
    await begin(client, HOLDER)

    first = await start(office.url, temporal_server)
    await first.says("time zones: tzdata 20")
    before = await reminders(client)
    await left(first)

    zones = stays_on_summer_time(tmp_path / "zones", ZONE, since)
    monkeypatch.setenv("PYTHONTZPATH", str(zones))
    second = await start(office.url, temporal_server)
    await second.says(f"time zones: {zones}")
    after = await reminders(client)
    told = mail(datetime.now(UTC), wish=MailWish.OTHER)
    async with office.sessions.begin() as session:
        await store_fact(session, HOLDER, told)
    assert await deliver(office.sessions, client, [told.fact_id]) == ()

    await until(partial(has_applied, office, told.fact_id))
    await nothing_is_found(office, client)
    await left(second)

    # What falls in that winter keeps its civil day and its nine o'clock.
    moved = {"reminder_30", "reminder_14", "reminder_7"}
    assert moved < before.keys() == after.keys()
    for notice in moved:
        day = before[notice].due_on
        assert after[notice].due_on == day
        assert civil_date(before[notice].due_at) == day
        assert after[notice].due_at == before[notice].due_at - AN_HOUR
    row = await office.one(DossierRow, HOLDER)
    assert row.echeance == echeance
    assert await office.rows(Letter) == []
