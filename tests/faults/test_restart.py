"""A worker asked to stop while many letters leave: what was begun is finished."""

import asyncio
import os
import signal
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from temporalio.client import Client

from intake.delivery import deliver, store_fact
from records.models import Letter
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.activities.test_worker import Arrivals, Starting
from tests.dossiers import a_newcomer
from tests.faults.ending import nothing_is_found
from tests.letters.relay import ScriptedRelay
from tests.upkeep.sweeping import until
from workflows.messages import ExamPassed, Source

MANY = 40
STOPPED_AT = 8


@pytest.mark.skipif(
    "ECHEANCE_LONG_FAULTS" not in os.environ, reason="half a minute: make prove"
)
@pytest.mark.timeout(180)
async def test_a_worker_asked_to_stop_in_a_herd_loses_nothing_and_sends_nothing_twice(
    office: Office,
    temporal: Client,
    start: Starting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit in ("", "_TO_A_DOMAIN"):
        monkeypatch.setenv(f"ECHEANCE_MAIL_PER_MINUTE{limit}", "60000")
    numbers = [DossierNumber(f"CAR2026{n:08d}") for n in range(10, 10 + MANY)]
    for n, number in enumerate(numbers):
        await office.place(a_newcomer(number=number), f"Ana{n} Cruz", "en")
    arrivals = Arrivals()
    async with ScriptedRelay(taken=arrivals) as relay:
        address = temporal.service_client.config.target_host
        first = await start(office.url, address, relay.port)
        await first.says("ready")
        await _tell_all(office, temporal, numbers)
        await _until(arrivals, STOPPED_AT)
        asked = time.monotonic()
        first.process.send_signal(signal.SIGTERM)
        code, rest = await first.leaves()
        assert code == 0, rest
        assert time.monotonic() - asked < 30
        second = await start(office.url, address, relay.port)
        await second.says("ready")
        await _until(arrivals, MANY)
        await until(partial(_all_accepted, office))
        await nothing_is_found(office, temporal, relay)
        second.process.send_signal(signal.SIGTERM)
        assert (await second.leaves())[0] == 0
    assert len(arrivals) == MANY


async def _all_accepted(office: Office) -> bool:
    return {letter.state for letter in await office.rows(Letter)} == {"accepted"}


async def _tell_all(
    office: Office, client: Client, numbers: list[DossierNumber]
) -> None:
    now = datetime.now(UTC)
    ids = [f"exam:{number}" for number in numbers]
    async with office.sessions.begin() as session:
        for number, fact_id in zip(numbers, ids, strict=True):
            fact = ExamPassed(
                fact_id=fact_id,
                source=Source.EXAM_BODY,
                occurred_at=now,
                received_at=now,
                result_id=fact_id,
                passed_on=date.fromordinal(now.toordinal()) - timedelta(days=30),
            )
            await store_fact(session, number, fact)
    left = await deliver(office.sessions, client, ids, limit=timedelta(seconds=60))
    assert left == ()


async def _until(arrivals: Arrivals, many: int) -> None:
    async with asyncio.timeout(60):
        while len(arrivals) < many:  # noqa: ASYNC110 # another process fills it
            await asyncio.sleep(0.01)
