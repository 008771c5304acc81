"""A copy of a one-machine installation, made while it runs, and put back when not.

What left the house is not in it: letters that were sent stay sent, and what was paid
stays paid. Reconciliation asks the relay and the provider about both.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from embedded.keys import keys_dir, read_key
from embedded.places import make_data_dir
from embedded.ports import Ports
from embedded.postgres import Cluster, PostgresError
from embedded.record import held, running_stack
from embedded.sentences import sentence
from records import migrations

FORMAT = "echeance-backup-1"
MANIFEST, DUMP, STORE = "manifest.json", "database.dump", "temporal.db"
REPLACED = "replaced"
"""Where a restore leaves what it took the place of, in the data folder."""

_FOLDERS = ("secrets", "heads")


class BackupError(RuntimeError):
    """A copy cannot be made or put back; the text is one sentence for the person."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy says of itself: *files* holds the SHA-256 of each."""

    format: str
    made_at: str
    revision: str
    postgres: str
    files: dict[str, str]


# ------------------------------------------------------------------------ making one


def make_backup(data_dir: Path, folder: Path) -> Manifest:
    """Copy the installation of *data_dir* into the new *folder*.

    Temporal's store is copied first: the database is then never the older one, and the
    stories can learn again what they lack. Raises BackupError.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(sentence("backup.not_empty", folder=folder))
    if not keys_dir(data_dir).is_dir():
        raise BackupError(sentence("backup.nothing", folder=data_dir))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        _copy_store(data_dir / "temporal" / STORE, folder / STORE)
        with _running_cluster(data_dir) as cluster:
            cluster.dump(folder / DUMP)
            revision = migrations.current(cluster.url())
            version = cluster.version()
        for name in _FOLDERS:
            if (data_dir / name).is_dir():
                shutil.copytree(data_dir / name, folder / name)
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            revision=revision or "",
            postgres=version,
            files=_hashes(folder),
        )
        # Last: a copy without it is not one.
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
    except (OSError, sqlite3.Error, PostgresError) as problem:
        raise BackupError(sentence("backup.failed", why=problem)) from problem
    return manifest


def _copy_store(store: Path, copy: Path) -> None:
    """Copy Temporal's store as of one instant, while its server writes."""
    if not store.exists():
        return
    with closing(sqlite3.connect(store)) as live, closing(sqlite3.connect(copy)) as to:
        live.backup(to)


@contextmanager
def _running_cluster(data_dir: Path) -> Iterator[Cluster]:
    """Reach the PostgreSQL that runs here, or start it for as long as it is needed."""
    record = running_stack(data_dir)
    password = read_key(data_dir, "postgres_password")
    if record is not None:
        yield Cluster(data_dir, record.ports["postgres"], password)
        return
    cluster = Cluster(data_dir, Ports.free().postgres, password)
    with held(data_dir), _started(cluster):
        yield cluster


@contextmanager
def _started(cluster: Cluster) -> Iterator[None]:
    (cluster.data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
    running = cluster.start()
    try:
        cluster.wait_ready(running)
        yield
    finally:
        running.stop()


def _hashes(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): _sha256(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


# ---------------------------------------------------------------------- putting it back


def check_backup(folder: Path) -> Manifest:
    """Read a copy's manifest and compare every file with it. Raises BackupError."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text()))
        foreign = manifest.format != FORMAT
    except (OSError, ValueError, TypeError):
        foreign = True
    if foreign:
        raise BackupError(sentence("backup.foreign", folder=folder))
    there = _hashes(folder)
    for name in sorted(manifest.files.keys() | there.keys()):
        if manifest.files.get(name) != there.get(name):
            raise BackupError(sentence("backup.damaged", folder=folder, file=name))
    if not migrations.knows(manifest.revision):
        raise BackupError(sentence("backup.newer", revision=manifest.revision))
    return manifest


def restore_backup(data_dir: Path, folder: Path, *, database_only: bool) -> Path | None:
    """Put a copy in the place of what *data_dir* holds; say where that is kept now.

    *database_only* leaves Temporal empty, to be rebuilt from the database. Nothing is
    changed when it fails. Raises BackupError, AlreadyRunning.
    """
    check_backup(folder)
    make_data_dir(data_dir)
    with held(data_dir):
        replaced = _set_aside(data_dir)
        try:
            _put_in_place(data_dir, folder, database_only=database_only)
        except BaseException as problem:
            _put_back(data_dir)
            if isinstance(problem, (OSError, PostgresError)):
                why = sentence("restore.failed", why=problem)
                raise BackupError(why) from problem
            raise
    return replaced


def _put_in_place(data_dir: Path, folder: Path, *, database_only: bool) -> None:
    for name in _FOLDERS:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, data_dir / name)
    keys_dir(data_dir).chmod(0o700)
    if (folder / STORE).exists() and not database_only:
        (data_dir / "temporal").mkdir(mode=0o700)
        shutil.copy2(folder / STORE, data_dir / "temporal" / STORE)
    password = read_key(data_dir, "postgres_password")
    cluster = Cluster(data_dir, Ports.free().postgres, password)
    cluster.prepare()
    with _started(cluster):
        cluster.create_database()
        cluster.load(folder / DUMP)


def _places(data_dir: Path) -> dict[str, Path]:
    """Name what a restore takes the place of; the cluster may live elsewhere."""
    cluster = Cluster(data_dir, 0, "").folder
    names = ("temporal", *_FOLDERS)
    return {"postgres": cluster} | {name: data_dir / name for name in names}


def _set_aside(data_dir: Path) -> Path | None:
    aside = data_dir / REPLACED
    shutil.rmtree(aside, ignore_errors=True)
    present = {name: at for name, at in _places(data_dir).items() if at.exists()}
    if not present:
        return None
    aside.mkdir(mode=0o700)
    for name, at in present.items():
        shutil.move(at, aside / name)
    return aside


def _put_back(data_dir: Path) -> None:
    for name, at in _places(data_dir).items():
        shutil.rmtree(at, ignore_errors=True)
        if (data_dir / REPLACED / name).exists():
            shutil.move(data_dir / REPLACED / name, at)
