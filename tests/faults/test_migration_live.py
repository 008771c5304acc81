"""Tables brought back and forward again while stories run: nothing told is lost."""

import asyncio
from collections import Counter

import pytest

from engine import begin
from intake.delivery import deliver
from records import migrations
from records.models import FactRow, Letter
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import a_newcomer
from tests.faults.ending import by, nothing_is_found
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import at_work, tell_nobody_yet, until

STEPS_BACK = ("0011", "0010", "0009", "0007", "0006")
"""Each one is left for a moment, with somebody's exam told in the middle."""


@pytest.mark.timeout(180)
async def test_stories_go_on_while_the_tables_go_back_and_forward(
    office: Office, relay: ScriptedRelay, log: RelayLog, temporal_server: str
) -> None:
    numbers = [DossierNumber(f"CAR2026{n:08}") for n in range(len(STEPS_BACK))]
    for number in numbers:
        await office.place(a_newcomer(number=number), person=f"P{number} Roy")
    client = await a_namespace(temporal_server)
    relay_of = by(relay, log)

    async def all_heard() -> bool:
        rows = await office.rows(FactRow)
        letters = await office.rows(Letter)
        return all(row.state == "applied" for row in rows) and [
            letter.state for letter in letters
        ] == ["accepted"] * len(numbers)

    async with at_work(office, client, **relay_of):
        for number in numbers:
            await begin(client, number)
        for number, revision in zip(numbers, STEPS_BACK, strict=True):
            exam = f"exam-{number}"
            await tell_nobody_yet(office, number, exam)
            # The story is told while the tables move under its effects.
            telling = asyncio.create_task(deliver(office.sessions, client, [exam]))
            await asyncio.to_thread(migrations.downgrade, office.url, revision)
            await telling
            await asyncio.to_thread(migrations.upgrade, office.url)
        await until(all_heard)
        await nothing_is_found(office, client, relay, **relay_of)

    assert migrations.current(office.url) == migrations.head()
    assert Counter(taken.recipients for taken in relay.taken) == {
        (f"p{number}@courriel.example".lower(),): 1 for number in numbers
    }
