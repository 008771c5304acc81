"""What must be right before a start; each trouble is one sentence that helps."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from embedded.parts import DOORS, PARTS
from embedded.places import CONTENTS, postgres_binaries, temporal_binary
from embedded.ports import PortError, Ports, claim
from embedded.processes import unprivileged
from embedded.sentences import sentence

OLDEST, TOO_NEW = (3, 11), (3, 14)
LEAST_FREE_MB = 1000


def troubles(
    data_dir: Path,
    ports: Ports,
    *,
    parts: Iterable[str] = PARTS,
    least_free_mb: int = LEAST_FREE_MB,
) -> list[str]:
    """Return what stands in the way of a start, nothing when all is well."""
    return [
        *_of_python(sys.version_info[:3]),
        *_of_folder(data_dir),
        *_of_space(data_dir, least_free_mb),
        *_of_programs(),
        *_of_root(),
        *_of_ports(ports, parts),
    ]


def _of_python(version: tuple[int, int, int]) -> Iterator[str]:
    if not OLDEST <= version[:2] < TOO_NEW:
        yield sentence("python", version=".".join(map(str, version)))


def _of_folder(data_dir: Path) -> Iterator[str]:
    inside = (data_dir / name for name in CONTENTS if name != "postgres")
    for path in (_existing(data_dir), *(path for path in inside if path.exists())):
        needed = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
        if not os.access(path, needed) or _is_read_only(path):
            yield sentence("not_writable", folder=path)
            return


def _is_read_only(path: Path) -> bool:
    # Root passes os.access even on a file system mounted read-only.
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _of_space(data_dir: Path, least_free_mb: int) -> Iterator[str]:
    folder = _existing(data_dir)
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < least_free_mb:
        yield sentence("no_space", free=free_mb, needed=least_free_mb, folder=folder)


def _of_programs() -> Iterator[str]:
    try:
        binaries = postgres_binaries()
    except OSError as missing:
        yield sentence("no_binary", program=missing)
    else:
        yield from _of_program(binaries / "postgres")
        yield from _of_program(binaries / "initdb")
    yield from _of_program(temporal_binary())


def _of_program(program: Path) -> Iterator[str]:
    try:
        subprocess.run(
            (str(program), "--version"),
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        yield sentence("no_binary", program=program)


def _of_root() -> Iterator[str]:
    try:
        unprivileged()
    except KeyError:
        yield sentence("no_nobody")


def _of_ports(ports: Ports, parts: Iterable[str]) -> Iterator[str]:
    numbers = ports.as_dict()
    for door in (door for part in parts for door in DOORS[part]):
        try:
            claim(door, numbers[door])
        except PortError as problem:
            yield str(problem)


def _existing(path: Path) -> Path:
    """Return the nearest folder that exists."""
    return next(step for step in (path, *path.absolute().parents) if step.exists())
