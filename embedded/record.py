"""The record of a running stack: who holds a data folder, and how to reach it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What var/run.json says; its environment holds no secret."""

    pid: int
    ports: dict[str, int]
    parts: dict[str, int]
    environment: dict[str, str]


class AlreadyRunning(RuntimeError):  # noqa: N818 - it is what is the case, not a fault
    """Another stack holds the data folder."""

    def __init__(self, record: RunRecord | None) -> None:
        super().__init__("already running")
        self.record = record


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; raises AlreadyRunning while another stack holds it."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_read(data_dir)) from None
        yield
    finally:
        # Ends with the process too, however it ends.
        os.close(descriptor)


def running_stack(data_dir: Path) -> RunRecord | None:
    """Return the record of the stack that holds *data_dir* now, if one does."""
    if not (data_dir / "lock").exists():
        return None
    try:
        with held(data_dir):
            return None
    except AlreadyRunning as running:
        return running.record


def write_record(
    data_dir: Path,
    *,
    ports: Mapping[str, int],
    parts: Mapping[str, int],
    environment: Mapping[str, str],
) -> None:
    """Write the record, whole or not at all."""
    record = RunRecord(os.getpid(), dict(ports), dict(parts), dict(environment))
    partial = data_dir / ".run.json"
    partial.write_text(json.dumps(asdict(record), indent=2))
    partial.replace(data_dir / "run.json")


def erase_record(data_dir: Path) -> None:
    """Remove the record at the end of a run."""
    (data_dir / "run.json").unlink(missing_ok=True)


def _read(data_dir: Path) -> RunRecord | None:
    try:
        return RunRecord(**json.loads((data_dir / "run.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
