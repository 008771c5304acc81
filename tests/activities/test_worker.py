"""The worker as a process: it lives stories, does their effects, and leaves."""

import asyncio
import os
import signal
import sys
from asyncio import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from temporalio.client import Client

from intake.delivery import deliver, store_fact
from records import migrations
from records.clock import database_now
from records.models import DossierRow, FactRow, Letter, LetterEvent
from records.pace import AHEAD, EVERY_LETTER, Lane, MailPace
from rules.civil_time import civil_date
from tests.activities.attempt import CHECKOUT
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.letters.relay import ScriptedRelay, Taken
from tests.upkeep.server import a_closed_port, a_server
from workflows.messages import ExamPassed, Source
from workflows.upkeep import SWEEP_SCHEDULE_ID


class Arrivals(list[Taken]):
    """The letters a relay has kept; `some` is set by the first."""

    def __init__(self) -> None:
        super().__init__()
        self.some = asyncio.Event()

    def append(self, taken: Taken) -> None:
        super().append(taken)
        self.some.set()


@dataclass
class Running:
    """A worker process whose lines a test reads."""

    process: subprocess.Process
    ready_file: Path

    async def says(self, words: str) -> None:
        """Wait for a line with *words*; fails at the end of its output."""
        assert self.process.stdout is not None
        while words not in (line := (await self.process.stdout.readline()).decode()):
            assert line, f"the worker never said {words!r}"

    async def leaves(self) -> tuple[int, str]:
        """Wait for its end; give its exit code and what it said last."""
        rest, _ = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, rest.decode()


class Starting(Protocol):
    """Starts a worker, which ends with the test at the latest."""

    async def __call__(
        self, url: str, temporal: str, smtp_port: int = 1
    ) -> Running: ...


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Starting]:
    started: list[subprocess.Process] = []

    async def start(url: str, temporal: str, smtp_port: int = 1) -> Running:
        own = {
            "ECHEANCE_DATABASE_URL": url,
            "ECHEANCE_TEMPORAL_ADDRESS": temporal,
            "ECHEANCE_SMTP_PORT": str(smtp_port),
            "ECHEANCE_MAIL_KEY": "key-of-the-tests",
            "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
            "ECHEANCE_READY_FILE": str(tmp_path / "ready"),
        }
        process = await subprocess.create_subprocess_exec(
            *(sys.executable, "worker.py"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env={**os.environ, **own, "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        return Running(process, tmp_path / "ready")

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def temporal() -> AsyncIterator[Client]:
    async with a_server() as client:
        yield client


async def _tell_an_exam(office: Office, client: Client) -> None:
    async with office.sessions.begin() as session:
        today = civil_date(now := await database_now(session))
        fact = ExamPassed(
            fact_id="exam:1",
            source=Source.EXAM_BODY,
            occurred_at=now,
            received_at=now,
            result_id="exam-1",
            passed_on=today,
        )
        await store_fact(session, NEWCOMER, fact)
    assert await deliver(office.sessions, client, ["exam:1"]) == ()


async def _let_nothing_leave_for(office: Office, pause: timedelta) -> datetime:
    """Use up the pace of all letters; give the instant at which one passes again."""
    async with office.sessions.begin() as session:
        now = await database_now(session)
        session.add(
            MailPace(
                domain=EVERY_LETTER,
                next_at=now + pause + AHEAD[Lane.FIRST],
                first_until=now,
                ordinary_until=now,
            )
        )
    return now + pause


async def test_a_fact_told_becomes_a_letter_and_the_worker_leaves_when_asked(
    office: Office, temporal: Client, start: Starting
) -> None:
    await office.place(a_newcomer(), "Ana Cruz", "en")
    arrivals = Arrivals()
    async with ScriptedRelay(taken=arrivals) as relay:
        address = temporal.service_client.config.target_host
        worker = await start(office.url, address, relay.port)
        await worker.says("ready")
        assert worker.ready_file.exists()
        await _tell_an_exam(office, temporal)
        await arrivals.some.wait()
        worker.process.send_signal(signal.SIGTERM)
        code, rest = await worker.leaves()
    assert code == 0, rest
    assert relay.commands[-1] == "QUIT"
    (letter,) = await office.rows(Letter)
    assert (letter.notice, letter.state) == ("finalize", "accepted")
    assert [taken.recipients for taken in arrivals] == [("ana@courriel.example",)]
    kept = await office.one(DossierRow, NEWCOMER)
    assert (kept.phase, kept.version) == ("to_finalize", 1)
    assert (await office.one(FactRow, "exam:1")).state == "applied"
    await temporal.get_schedule_handle(SWEEP_SCHEDULE_ID).describe()


async def test_a_letter_whose_turn_comes_later_leaves_at_its_turn(
    office: Office, temporal: Client, start: Starting
) -> None:
    await office.place(a_newcomer(), "Ana Cruz", "en")
    arrivals = Arrivals()
    async with ScriptedRelay(taken=arrivals) as relay:
        address = temporal.service_client.config.target_host
        worker = await start(office.url, address, relay.port)
        await worker.says("ready")
        opens_at = await _let_nothing_leave_for(office, timedelta(seconds=6))
        await _tell_an_exam(office, temporal)
        await arrivals.some.wait()
        worker.process.send_signal(signal.SIGTERM)
        code, rest = await worker.leaves()
    assert code == 0, rest
    steps = await office.rows(LetterEvent)
    assert [step.state for step in steps] == ["queued", "sending", "accepted"]
    assert steps[0].at < opens_at <= steps[1].at


async def test_a_worker_that_waits_for_temporal_leaves_when_asked(
    office: Office, start: Starting
) -> None:
    nowhere = f"127.0.0.1:{await a_closed_port()}"
    worker = await start(office.url, nowhere)
    await worker.says("waiting")
    worker.process.send_signal(signal.SIGINT)
    code, rest = await worker.leaves()
    assert code == 0, rest
    assert not worker.ready_file.exists()


async def test_a_worker_refuses_tables_that_are_not_its_own(
    office: Office, start: Starting
) -> None:
    migrations.downgrade(office.url, "base")
    worker = await start(office.url, "127.0.0.1:1")
    code, rest = await worker.leaves()
    assert code == 1
    assert f"this code needs {migrations.head()}" in rest
    assert "Traceback" not in rest


async def test_a_missing_setting_is_named(start: Starting) -> None:
    worker = await start("sqlite://", "127.0.0.1:1")
    code, rest = await worker.leaves()
    assert code == 2
    assert "ECHEANCE_DATABASE_URL" in rest
