"""A copy is made while the house is lived in, and put back: the drill, and refusals."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select
from temporalio.client import Client
from typer.testing import CliRunner

from activities.reconciling import reconcile_once
from cli import app
from embedded.backup import (
    DUMP,
    FORMAT,
    MANIFEST,
    BackupError,
    check_backup,
    make_backup,
    restore_backup,
)
from embedded.places import forget
from embedded.ports import Ports
from embedded.stack import EmbeddedStack
from engine import connect
from intake.delivery import deliver
from records.database import make_engine, make_sessions
from records.histories import false_hashes
from records.models import DossierRow, FactRow, TimelineEntry
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.dossiers import a_newcomer
from tests.upkeep.sweeping import tell_nobody_yet, until
from workflows.upkeep import SweepReport

LIVED_IN = ("postgres", "temporal", "inbox", "worker")

pytestmark = pytest.mark.timeout(240)


@dataclass
class House:
    """One data folder, lived in for a while at a time."""

    data_dir: Path

    def stack(self) -> EmbeddedStack:
        return EmbeddedStack(self.data_dir, Ports.free(), LIVED_IN)


@pytest.fixture
async def house(open_folder: Path) -> AsyncIterator[House]:
    data_dir = open_folder / "var"
    yield House(data_dir)
    forget(data_dir)


async def an_exam_is_heard(
    stack: EmbeddedStack, client: Client, numbers: Sequence[str]
) -> None:
    """Place newcomers, tell each that an exam was passed, and wait until it is kept."""
    engine = make_engine(stack.settings.database_url)
    office = Office(stack.settings.database_url, make_sessions(engine))
    facts = [f"exam-{number}" for number in numbers]
    for number, fact in zip(numbers, facts, strict=True):
        own = DossierNumber(number)
        await office.place(a_newcomer(number=own), person=f"P{number} Roy")
        await tell_nobody_yet(office, own, fact)
    await deliver(office.sessions, client, facts)

    async def all_heard() -> bool:
        rows = [await office.one(FactRow, fact) for fact in facts]
        return all(row.state == "applied" for row in rows)

    await until(all_heard)
    await engine.dispose()


async def kept_in(stack: EmbeddedStack) -> tuple[list[str], int, int]:
    """The dossiers, their lines of history, and how many of these are false."""
    engine = make_engine(stack.settings.database_url)
    async with make_sessions(engine)() as session:
        numbers = list(await session.scalars(select(DossierRow.number)))
        lines = await session.scalar(select(func.count()).select_from(TimelineEntry))
        false = await false_hashes(session, numbers)
    await engine.dispose()
    return sorted(numbers), lines or 0, len(false)


async def swept(stack: EmbeddedStack, *, rebuild: bool = False) -> SweepReport:
    return await reconcile_once(stack.settings, rebuild=rebuild)


BEFORE = [f"CAR2026{n:08}" for n in range(4)]
SINCE = [f"CAR2026{n:08}" for n in range(10, 12)]


@pytest.mark.xdist_group("stack")
async def test_the_drill_a_copy_put_back_is_whole_and_agrees_with_itself(
    house: House, open_folder: Path
) -> None:
    copy = open_folder / "copy"
    async with house.stack() as stack:
        client = await connect(stack.settings)
        await an_exam_is_heard(stack, client, BEFORE)
        before = await kept_in(stack)
        make_backup(house.data_dir, copy)
        await an_exam_is_heard(stack, client, SINCE)
        with pytest.raises(RuntimeError, match="already running"):
            restore_backup(house.data_dir, copy, database_only=False)

    replaced = restore_backup(house.data_dir, copy, database_only=False)
    async with house.stack() as stack:
        assert await kept_in(stack) == before
        whole = await swept(stack)
    assert replaced is not None
    assert (replaced / "postgres").is_dir()

    # Temporal's store is not needed: the facts are enough.
    restore_backup(house.data_dir, copy, database_only=True)
    assert not (house.data_dir / "temporal").exists()
    async with house.stack() as stack:
        rebuilt = await swept(stack, rebuild=True)
        after = await swept(stack)
        assert await kept_in(stack) == before

    assert before[0] == BEFORE
    assert before[2] == 0
    assert (whole.findings, whole.exit_code) == ((), 0)
    assert sorted(found.about for found in rebuilt.findings) == BEFORE
    assert (after.findings, after.exit_code) == ((), 0)


# ------------------------------------------------------------------------- refusals


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy whose manifest agrees with its files."""
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / DUMP).write_bytes(b"dump")
    sums = {DUMP: hashlib.sha256(b"dump").hexdigest()}
    seal(
        folder, sums, format=FORMAT, made_at="2026-11-26", revision="0001", postgres=""
    )
    return folder


def seal(copy: Path, files: dict[str, str] | None = None, **says: str) -> None:
    """Write the manifest, or change what it says."""
    file = copy / MANIFEST
    said = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(said | ({"files": files} if files else {}) | says))


def on_the_terminal(*arguments: str | Path) -> tuple[int, str]:
    ran = CliRunner().invoke(app, [str(each) for each in arguments], env={"LANG": "C"})
    return ran.exit_code, ran.output


@pytest.mark.parametrize("harm", ["no manifest", "foreign", "not json", "not a map"])
def test_what_is_no_copy_of_ours_is_refused(copy: Path, harm: str) -> None:
    match harm:
        case "no manifest":
            (copy / MANIFEST).unlink()
        case "foreign":
            seal(copy, format="another program's")
        case "not json":
            (copy / MANIFEST).write_text("{")
        case _:
            (copy / MANIFEST).write_text("[]")
    with pytest.raises(BackupError, match="is not a copy"):
        check_backup(copy)


@pytest.mark.parametrize("harm", ["changed", "gone", "added"])
def test_a_damaged_copy_is_refused_and_the_file_named(copy: Path, harm: str) -> None:
    match harm:
        case "changed":
            (copy / DUMP).write_bytes(b"dumq")
        case "gone":
            (copy / DUMP).unlink()
        case _:
            (copy / "more").touch()
    named = "more" if harm == "added" else DUMP
    with pytest.raises(BackupError, match=named):
        check_backup(copy)


def test_a_copy_of_a_newer_version_is_refused(copy: Path) -> None:
    seal(copy, revision="9999")
    with pytest.raises(BackupError, match="9999"):
        check_backup(copy)


def test_a_restore_says_what_it_would_do_and_does_nothing(
    copy: Path, tmp_path: Path
) -> None:
    var = tmp_path / "var"
    code, said = on_the_terminal("restore", copy, "--data-dir", var)
    assert code == 0
    assert "Nothing is changed: add --yes" in " ".join(said.split())
    assert not var.exists()


def test_a_restore_that_fails_leaves_everything_as_it_was(
    copy: Path, open_folder: Path
) -> None:
    var = open_folder / "half"
    (var / "secrets").mkdir(parents=True)
    (var / "secrets" / "kept").write_text("kept")
    # Sound by its manifest, and yet no dump, nor any password.
    code, said = on_the_terminal("restore", copy, "--data-dir", var, "--yes")
    assert code == 1
    assert "nothing is changed" in " ".join(said.split())
    assert (var / "secrets" / "kept").read_text() == "kept"


def test_a_backup_refuses_a_folder_in_use_and_a_house_nobody_lives_in(
    copy: Path, tmp_path: Path
) -> None:
    var = tmp_path / "var"
    used = on_the_terminal("backup", copy, "--data-dir", var)
    empty = on_the_terminal("backup", tmp_path / "new", "--data-dir", var)
    assert used[0] == empty[0] == 1
    assert "is not empty" in used[1]
    assert "nothing to copy" in empty[1]
