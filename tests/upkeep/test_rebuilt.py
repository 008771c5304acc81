"""A Temporal that is lost or older, a database that is older: found, mended, no copy.

The mailbox judges: each letter that fell due is there once, whatever came back.
"""

import email
import os
import secrets
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from activities.reconciling import reconcile_once
from embedded.postgres import Cluster
from engine import story_of
from intake.delivery import deliver
from records.database import make_engine, make_sessions
from records.models import Agency, DossierRow, FactRow, Letter
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from settings import Settings
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import PERMIT, a_holder
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_closed_port, a_server, settings_for
from tests.upkeep.sweeping import at_work, real_now, tell_nobody_yet, until
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import Check, SweepReport

HOW_MANY = int(os.environ.get("ECHEANCE_REBUILT", "24"))
"""Dossiers of a lost Temporal; ECHEANCE_REBUILT=1000 for more."""

UNPACED = {
    "ECHEANCE_MAIL_PER_MINUTE": "60000",
    "ECHEANCE_MAIL_PER_MINUTE_TO_A_DOMAIN": "60000",
}


@dataclass
class House:
    """An installation whose Temporal is one file and whose mail goes to one relay."""

    office: Office
    relay: ScriptedRelay
    log_url: str
    folder: Path
    port: int
    opened: list[DossierNumber] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "temporal.db"

    @property
    def settings(self) -> Settings:
        return settings_for(
            self.office.url,
            ECHEANCE_TEMPORAL_ADDRESS=f"127.0.0.1:{self.port}",
            ECHEANCE_HEADS_DIR=str(self.folder / "heads"),
            **self._mail,
        )

    @property
    def _mail(self) -> dict[str, str]:
        port = self.relay.port
        return UNPACED | {
            "ECHEANCE_SMTP_PORT": str(port),
            "ECHEANCE_RELAY_LOG_URL": self.log_url,
        }

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Client]:
        async with (
            a_server(self.port, kept_in=self.store) as client,
            at_work(self.office, client, **self._mail),
        ):
            yield client

    async def opens(self, how_many: int) -> list[DossierNumber]:
        """Place holders whose reminder fell due yesterday, and nothing else has."""
        echeance = civil_date(real_now()) + timedelta(days=29)
        numbers = [
            DossierNumber(f"CAR2024{len(self.opened) + n:08}") for n in range(how_many)
        ]
        for number in numbers:
            dossier = replace(a_holder(echeance, number=number))
            await self.office.place(dossier, person=f"P{number} Roy")
        self.opened += numbers
        return numbers

    async def tells(self, numbers: Sequence[DossierNumber]) -> list[str]:
        """Keep a fact about each, as its door does, and tell nobody."""
        facts = [f"exam-{number}" for number in numbers]
        for number, fact in zip(numbers, facts, strict=True):
            await tell_nobody_yet(self.office, number, fact)
        return facts

    async def swept(self, *, rebuild: bool = False) -> SweepReport:
        return await reconcile_once(self.settings, rebuild=rebuild)

    async def is_quiet(self) -> bool:
        """Whether each dossier's letters left, and every fact is applied."""
        async with self.office.sessions() as session:
            written = await session.scalar(
                select(func.count(Letter.dossier.distinct()))
            )
            waits = select(func.count()).where(Letter.state != "accepted")
            deaf = select(func.count()).where(FactRow.state != "applied")
            left = await session.scalar(waits), await session.scalar(deaf)
        return (written, *left) == (len(self.opened), 0, 0)

    def mailbox(self) -> Counter[str]:
        """What the relay took, by what it says: a file's number is in each subject."""
        return Counter(
            email.message_from_bytes(taken.data)["Message-ID"]
            for taken in self.relay.taken
        )

    def has_each_letter_once(self) -> bool:
        box, per_person = self.mailbox(), len(self.relay.taken) // len(self.opened)
        return set(box.values()) == {1} and len(box) == per_person * len(self.opened)


@pytest.fixture
async def house(office: Office, open_folder: Path) -> AsyncIterator[House]:
    agency = Agency(permit=PERMIT, name="Boréal", email="b@agence.example")
    await office.add(agency)
    folder = open_folder / f"house-{secrets.token_hex(4)}"
    folder.mkdir()
    async with ScriptedRelay() as relay, RelayLog(relay) as log:
        yield House(office, relay, log.url, folder, await a_closed_port())
    shutil.rmtree(folder)


def by_check(report: SweepReport, check: Check) -> list[str]:
    return [found.code for found in report.findings if found.check is check]


@pytest.mark.timeout(600)
async def test_a_lost_temporal_is_rebuilt_and_no_letter_leaves_again(
    house: House,
) -> None:
    async with house.at_work():
        await house.opens(HOW_MANY)
        await house.swept(rebuild=True)
        await until(house.is_quiet, 240)
    for file in house.folder.glob("temporal.db*"):
        file.unlink()
    # Life goes on: dossiers come in whose reminder is due, and facts are kept.
    await house.opens(10)
    await house.tells(house.opened[:20])

    async with house.at_work():
        seen = await house.swept()
        rebuilt = await house.swept(rebuild=True)
        await until(house.is_quiet, 240)
        after = await house.swept()

    assert by_check(seen, Check.RUNNING) == ["namespace_lost"]
    assert seen.exit_code == 2
    assert rebuilt.repaired >= HOW_MANY + 10 + 20
    assert house.has_each_letter_once()
    assert (after.findings, after.exit_code) == ((), 0)


async def test_an_older_copy_of_temporal_learns_again_what_it_forgot(
    house: House,
) -> None:
    """Fault 27: nothing shows that it is older, and some dossiers have no story."""
    async with house.at_work() as client:
        await house.opens(15)
        await house.swept(rebuild=True)
        await until(house.is_quiet)
        copied = house.folder / "older.db"
        with (
            closing(sqlite3.connect(house.store)) as store,
            closing(sqlite3.connect(copied)) as copy,
        ):
            store.backup(copy)
        await house.opens(5)
        await deliver(
            house.office.sessions, client, await house.tells(house.opened[:12])
        )
        await house.swept(rebuild=True)
        await until(house.is_quiet)
    for file in house.folder.glob("temporal.db*"):
        file.unlink()
    copied.rename(house.store)

    async with house.at_work() as client:
        for number in house.opened[:15]:  # read from disk: who is silent is not counted
            await story_of(client, number).query(RenewalWorkflow.state)
        seen = await house.swept()
        mended = await house.swept(rebuild=True)
        await until(house.is_quiet)
        after = await house.swept()

    assert by_check(seen, Check.RUNNING) == ["started_again"] * 5
    assert by_check(seen, Check.VERSIONS) == ["many_differ"]
    assert by_check(mended, Check.VERSIONS) == ["story_behind"] * 12
    assert house.has_each_letter_once()
    assert (after.findings, after.exit_code) == ((), 0)


async def test_an_older_copy_of_the_database_learns_from_the_stories_and_the_log(
    house: House, cluster: Cluster
) -> None:
    """Fault 26: the stories know more than the rows; what is lost is named."""
    async with house.at_work() as client:
        await house.opens(6)
        await deliver(
            house.office.sessions, client, await house.tells(house.opened[:2])
        )
        await until(lambda: have_written(house, 2))
        url = await a_copy(house, cluster)
        await house.swept(rebuild=True)
        await until(house.is_quiet)
        await deliver(
            house.office.sessions, client, await house.tells(house.opened[2:5])
        )
        unknown = await house.opens(1)
        await house.swept(rebuild=True)
        await until(house.is_quiet)
        await house.swept()

    older = make_engine(url)
    house.office = Office(url, make_sessions(older))
    async with house.at_work():
        mended = await house.swept(rebuild=True)
        rows = await house.office.rows(DossierRow)
        letters = await house.office.rows(Letter)
        after = await house.swept()
    await older.dispose()

    assert by_check(mended, Check.VERSIONS) == ["row_behind"] * 4
    strays = [f.about for f in mended.findings if f.check is Check.STRAYS]
    assert strays == unknown
    assert all(row.version > 0 for row in rows)
    assert {row.state for row in letters} == {"accepted"}
    assert "found in the log" in {row.answer for row in letters}
    assert house.has_each_letter_once()
    # What only a person can settle stays: a person without a row, ends cut off.
    assert {f.code for f in after.findings} == {"stray", "end_gone"}, after


async def have_written(house: House, how_many: int) -> bool:
    """Whether so many dossiers heard what they were told, and their letters left."""
    async with house.office.sessions() as session:
        heard = select(func.count()).where(FactRow.state == "applied")
        wrote = select(func.count(Letter.dossier.distinct()))
        waits = select(func.count()).where(Letter.state != "accepted")
        counted = [await session.scalar(each) for each in (heard, wrote, waits)]
    return counted == [how_many, how_many, 0]


async def a_copy(house: House, cluster: Cluster) -> str:
    """Copy the database as it stands, and give the address of the copy."""
    engine = house.office.sessions.kw["bind"]
    await engine.dispose()
    name = house.office.url.rpartition("/")[2]
    address = cluster.url("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}'".encode()
        )
        connection.execute(f"CREATE DATABASE {name}_older TEMPLATE {name}".encode())
    return f"{house.office.url}_older"
