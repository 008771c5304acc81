"""An officer decides while a timer fires: one order, and both are recorded."""

import asyncio
import os
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from engine import begin, story_of
from records.clock import set_ahead
from records.models import Agency, DossierRow, Letter, TimelineEntry
from rules.civil_time import civil_date, start_of
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import PERMIT, a_holder
from tests.faults.ending import by, nothing_is_found
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import at_work, real_now, until
from workflows.messages import Correct, Correctable
from workflows.renewal import RenewalWorkflow

IS_LONG = "ECHEANCE_LONG_FAULTS" in os.environ
RACES = 200 if IS_LONG else 6
AT_ONCE = 10
A_MOMENT = timedelta(seconds=3)


async def race(
    office: Office, client: Client, number: DossierNumber, ends_at: datetime, n: int
) -> None:
    """Correct an échéance about when its story's clock comes to it."""
    story, skipper = story_of(client, number), TimeSkipper(client)
    ahead = ends_at - A_MOMENT - real_now()
    async with office.sessions.begin() as session:
        await set_ahead(session, number, timedelta())  # marked: it is believed
    await skipper.fast_forward(story, ahead)
    async with office.sessions.begin() as session:
        await set_ahead(session, number, ahead)
    # Spread about the instant itself: some come before it, some after, some with it.
    spread = timedelta(milliseconds=40) * (n % 7 - 3)
    left = ends_at - await skipper.get_current_time(story) + spread
    await asyncio.sleep(max(left, timedelta()).total_seconds())
    await story.execute_update(
        RenewalWorkflow.correct,
        Correct(
            command_id=f"correct-{number}",
            by="officer-1",
            what=Correctable.ECHEANCE,
            value=civil_date(ends_at) + timedelta(days=60),
        ),
    )


async def lines_of(office: Office, number: str) -> list[str]:
    lines = (
        select(TimelineEntry.what, TimelineEntry.detail)
        .where(TimelineEntry.dossier == number)
        .order_by(TimelineEntry.position)
    )
    async with office.sessions() as session:
        return [
            f"phase {detail['after']}" if what == "phase" else what
            for what, detail in await session.execute(lines)
            if what in {"corrected", "phase"}
        ]


@pytest.mark.timeout(600)
async def test_a_correction_at_the_instant_of_the_expiry_comes_before_it_or_after(
    office: Office, relay: ScriptedRelay, log: RelayLog, temporal_server: str
) -> None:
    client = await a_namespace(temporal_server)
    means = by(relay, log) | {
        "ECHEANCE_MAIL_PER_MINUTE": "60000",
        "ECHEANCE_MAIL_PER_MINUTE_TO_A_DOMAIN": "60000",
    }
    echeance: date = civil_date(real_now()) + timedelta(days=2)
    numbers = [DossierNumber(f"CAR2024{n:08}") for n in range(1, 1 + RACES)]
    await office.add(Agency(permit=PERMIT, name="Boréal", email="b@a.example"))
    for number in numbers:
        await office.place(a_holder(echeance, number=number), person=f"P{number} Roy")

    async def all_left() -> bool:
        return {row.state for row in await office.rows(Letter)} == {"accepted"}

    async with at_work(office, client, **means):
        for number in numbers:
            await begin(client, number)
        for start in range(0, RACES, AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            await asyncio.gather(
                *(
                    race(office, client, number, start_of(echeance), n)
                    for n, number in enumerate(some)
                )
            )
        await until(all_left)
        orders = {number: await lines_of(office, number) for number in numbers}
        expired = {
            row.dossier for row in await office.rows(Letter) if row.notice == "expired"
        }
        for number, lines in orders.items():
            assert lines == (
                ["phase expired", "corrected", "phase in_force"]
                if number in expired
                else ["corrected"]
            )
        # Of many, some come before and some after; of a few nobody knows.
        assert 0 < len(expired) < RACES or not IS_LONG, len(expired)
        phases = {row.phase for row in await office.rows(DossierRow)}
        assert phases == {Phase.IN_FORCE}
        await nothing_is_found(office, client, relay, **means)
