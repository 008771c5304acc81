"""Connections all taken, and two transactions that wait for each other."""

import asyncio
import time

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from activities.dossiers import Dossiers
from records.models import DossierRow, Letter
from tests.activities.office import Office, a_record, an_order, run
from tests.api.doors import Doors
from tests.dossiers import HOLDER, a_holder
from tests.faults.conftest import every_connection_taken


async def test_with_every_connection_taken_the_door_says_so_within_two_seconds(
    away: Doors,
) -> None:
    async with every_connection_taken(away):
        began = time.monotonic()
        answers = await asyncio.gather(
            *(away.ask("GET", f"/api/v1/dossiers/{HOLDER}", "officer") for _ in "1234")
        )
        took = time.monotonic() - began
        ready = await away.ask("GET", "/readyz")
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert took < 2
    assert (ready.status_code, ready.json()["database"]) == (503, "away")
    assert (await away.ask("GET", "/readyz")).json()["database"] == "ok"


@pytest.mark.usefixtures("holder")
async def test_a_record_that_waits_in_a_circle_is_kept_by_the_next_attempt(
    office: Office, effects: Dossiers
) -> None:
    """A stranger holds the letter's row and waits for the dossier's: one is undone."""
    ordered = an_order(a_holder())
    await run(effects.keep_record, a_record(a_holder(), letters=(ordered,)))
    record = a_record(a_holder(), version=2, withdrawn=(ordered.key,))
    async with office.sessions() as stranger:
        letter = select(Letter).where(Letter.key == ordered.key).with_for_update()
        await stranger.execute(letter)
        keeping = asyncio.create_task(run(effects.keep_record, record))
        await _until_somebody_waits(office)
        dossier = select(DossierRow).where(DossierRow.number == HOLDER)
        ends = await asyncio.gather(
            stranger.execute(dossier.with_for_update()),
            keeping,
            return_exceptions=True,
        )
        await stranger.rollback()
    assert sum(isinstance(end, DBAPIError) for end in ends) == 1
    await run(effects.keep_record, record)
    assert (await office.one(DossierRow, HOLDER)).version == 2
    assert (await office.one(Letter, ordered.key)).state == "cancelled"


async def _until_somebody_waits(office: Office) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(10):
        while True:
            async with office.sessions() as session:
                if await session.scalar(waiting):
                    return
            await asyncio.sleep(0.01)
