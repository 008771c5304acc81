"""The command at a terminal: it looks, writes when asked, and may be killed."""

import asyncio
import os
import re
import signal
import sys
from asyncio import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from intake.importing.reading import read_sheet
from intake.importing.writing import BATCH
from records.models import DossierRow
from tests.activities.attempt import CHECKOUT
from tests.activities.office import Office
from tests.importing.sheets import a_file, a_line
from tests.upkeep.server import a_closed_port
from tests.upkeep.sweeping import until


@dataclass(frozen=True)
class Terminal:
    """A command line that speaks French, beside one file."""

    url: str
    temporal: str
    file: Path

    async def begin(self, *words: str) -> subprocess.Process:
        told = {
            "ECHEANCE_DATABASE_URL": self.url,
            "ECHEANCE_TEMPORAL_ADDRESS": self.temporal,
            "ECHEANCE_MAIL_KEY": "key-of-the-tests",
            "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
            "LC_ALL": "fr_CA.UTF-8",
        }
        return await subprocess.create_subprocess_exec(
            *(sys.executable, "cli.py", "import", str(self.file), *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **told},
            cwd=CHECKOUT,
        )

    async def say(self, *words: str) -> tuple[int, str]:
        process = await self.begin(*words)
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode().replace("\u00a0", " ")


def address_of(client: Client) -> str:
    address: str = client.service_client.config.target_host
    return address


async def how_many(office: Office) -> int:
    async with office.sessions() as session:
        counted = select(func.count()).select_from(DossierRow)
        return (await session.execute(counted)).scalar_one()


async def test_it_looks_first_then_writes_and_leaves_what_is_refused_to_be_mended(
    office: Office, temporal: Client, tmp_path: Path
) -> None:
    file = tmp_path / "titulaires.csv"
    file.write_bytes(a_file(a_line(1), a_line(2, courriel="zoe"), a_line(3)))
    terminal = Terminal(office.url, address_of(temporal), file)
    code, said = await terminal.say()
    assert code == 1, said
    assert "à créer; en vigueur jusqu'au" in said
    assert "Ligne 3 : refusée. « zoe » n'est pas une adresse" in said
    assert "2 à créer, 0 déjà là, 1 à refuser." in said
    assert await how_many(office) == 0
    code, said = await terminal.say("--write")
    assert code == 1, said
    assert "2 créés, 0 déjà là, 1 refusés." in said
    refused = tmp_path / "titulaires.refused.csv"
    mended = refused.read_bytes().replace(b";zoe;", b";zoe@courriel.example;")
    refused.write_bytes(mended)
    assert len(read_sheet(mended).lines) == 1
    code, said = await Terminal(office.url, terminal.temporal, refused).say("--write")
    assert code == 0, said
    assert await how_many(office) == 3


async def test_a_file_that_cannot_be_read_says_why(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "vieux.csv"
    file.write_bytes(a_file(a_line()).decode().encode("cp1252"))
    terminal = Terminal(office.url, "127.0.0.1:1", file)
    code, said = await terminal.say()
    assert code == 2, said
    assert "La ligne 2 n'est pas en UTF-8." in said
    code, said = await terminal.say("--encoding", "cp1252")
    assert code == 0, said
    lost = Terminal(office.url, "127.0.0.1:1", tmp_path / "nowhere.csv")
    assert (await lost.say())[0] == 2


async def test_without_temporal_it_says_so_and_the_same_command_goes_on(
    office: Office, temporal: Client, tmp_path: Path
) -> None:
    file = tmp_path / "titulaires.csv"
    file.write_bytes(a_file(a_line(1)))
    away = Terminal(office.url, f"127.0.0.1:{await a_closed_port()}", file)
    code, said = await away.say("--write")
    assert code == 2, said
    assert "Rien n'est perdu ni fait deux fois" in said
    code, said = await Terminal(office.url, address_of(temporal), file).say("--write")
    assert code == 0, said
    assert "1 créés" in said


@pytest.mark.timeout(240)
async def test_killed_in_the_middle_and_begun_again_it_makes_nothing_twice(
    office: Office, temporal: Client, tmp_path: Path
) -> None:
    lines = [a_line(n) for n in range(1, 2 * BATCH + 1)]
    file = tmp_path / "titulaires.csv"
    file.write_bytes(a_file(*lines))
    terminal = Terminal(office.url, address_of(temporal), file)
    process = await terminal.begin("--write", "--at-once", "4")

    async def is_under_way() -> bool:
        return await how_many(office) > 0

    await until(is_under_way)
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    assert 0 < await how_many(office) < len(lines)
    code, said = await terminal.say("--write", "--at-once", "50")
    assert code == 0, said
    assert await how_many(office) == len(lines)
    assert re.search(r"\d+ créés, 0 déjà là, 0 refusés", said)
    query = "WorkflowType = 'RenewalWorkflow' AND ExecutionStatus = 'Running'"

    async def all_run() -> bool:
        return (await temporal.count_workflows(query)).count == len(lines)

    async with asyncio.timeout(60):
        await until(all_run)
