"""Temporal's own server and SQL tool, built from Go modules, once a version."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.compose import version_of
from embedded.processes import Program, last_lines, start

MODULE = "go.temporal.io/server"
PROGRAMS = {"temporal-server": "./cmd/server", "temporal-sql-tool": "./cmd/tools/sql"}

_SAYS_EVERY_S = 30.0
_PAUSE_S = 0.2


class BuildError(RuntimeError):
    """The server cannot be built here; the text says why."""


@dataclass(frozen=True, slots=True)
class Built:
    """What the images temporalio/server and temporalio/admin-tools hold."""

    version: str
    folder: Path

    @property
    def server(self) -> Path:
        """The server."""
        return self.folder / "temporal-server"

    @property
    def schema(self) -> Path:
        """The schema of PostgreSQL: folders temporal and visibility."""
        return self.folder / "schema"

    @property
    def is_there(self) -> bool:
        """Whether it was built before."""
        programs = all((self.folder / name).exists() for name in PROGRAMS)
        return programs and self.schema.exists()


def home() -> Path:
    """Name the folder of the build and of the last run, outside the checkout."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    chosen = os.environ.get("ECHEANCE_CLUSTER_DIR")
    return Path(chosen or Path(cache) / "echeance").absolute()


def built(says: Callable[[str], None]) -> Built:
    """Build the version that the compose file names, unless it is there already.

    Raises BuildError without Go, or where a program cannot be built.
    """
    version = version_of("temporal")
    wanted = Built(version, home() / f"temporal-{version}")
    if wanted.is_there:
        says(f"Temporal {version}: built before")
        return wanted
    wanted.folder.mkdir(parents=True, exist_ok=True)
    module = _module(version)
    for name, package in PROGRAMS.items():
        if not (wanted.folder / name).exists():
            _build(module, package, wanted.folder / name, says)
    if wanted.schema.exists():
        return wanted
    _copy(module / "schema" / "postgresql" / "v12", wanted.schema)
    return wanted


def _copy(schema: Path, to: Path) -> None:
    """Copy the schema whole or not at all, writable again: Go's own folder is not."""
    partial = to.with_name(".schema")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(schema, partial, copy_function=shutil.copyfile)
    for folder in (partial, *(each for each in partial.rglob("*") if each.is_dir())):
        folder.chmod(0o755)
    partial.rename(to)


def _module(version: str) -> Path:
    """Have Go fetch the module; its folder is read-only and stays Go's."""
    answer = subprocess.run(
        (_go(), "mod", "download", "-json", f"{MODULE}@v{version}"),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = json.loads(answer.stdout or "{}")
    if "Dir" not in said:
        why = said.get("Error") or answer.stderr
        raise BuildError(f"{MODULE}@v{version} cannot be fetched: {why}")
    return Path(said["Dir"])


def _build(
    module: Path, package: str, program: Path, says: Callable[[str], None]
) -> None:
    partial, log = program.with_name(f".{program.name}"), program.with_suffix(".log")
    command = (_go(), "build", "-trimpath", "-o", str(partial), package)
    began = said_at = time.monotonic()
    says(f"{program.name}: building (minutes, the first time)")
    running = start(Program(command, os.environ, module), log)
    while (code := running.poll()) is None:
        time.sleep(_PAUSE_S)
        if time.monotonic() - said_at > _SAYS_EVERY_S:
            said_at = time.monotonic()
            says(f"{program.name}: building, {said_at - began:.0f} s")
    if code:
        raise BuildError(f"{program.name} was not built:\n{last_lines(log)}")
    partial.replace(program)
    says(f"{program.name}: built in {time.monotonic() - began:.0f} s")


def _go() -> str:
    """Find Go, also where its own installer puts it and no shell was told."""
    found = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if found is None:
        raise BuildError("Go is needed to build Temporal's server: install it first")
    return found
