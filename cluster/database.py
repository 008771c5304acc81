"""A PostgreSQL as one service of docker-compose.yml runs it, and the system's own."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cluster.compose import services
from embedded.places import give
from embedded.ports import LOOPBACK
from embedded.processes import Account, Program, run, unprivileged

_DEBIANS = Path("/usr/lib/postgresql")
_NEEDED = "btree_gin.control"


class DatabaseError(RuntimeError):
    """The database cannot be made; the text says what was answered."""


@dataclass(frozen=True, slots=True)
class Database:
    """One service: its own folder, port and owner; never the system's own cluster.

    *binaries* is the folder of the server's programs.
    """

    service: str
    folder: Path
    port: int
    password: str
    binaries: Path
    account: Account | None = field(default_factory=unprivileged)

    @property
    def user(self) -> str:
        """Its owner, a superuser there as in the image."""
        return str(services()[self.service]["environment"]["POSTGRES_USER"])

    def prepare(self) -> None:
        """Make the cluster as the image's first start does; raises DatabaseError."""
        self.folder.mkdir(mode=0o700, parents=True)
        word = self.folder.with_name(f"{self.folder.name}.word")
        word.touch(mode=0o600)
        word.write_text(self.password)
        for path in (self.folder, word):
            give(path, self.account)
        told = services()[self.service]["environment"]["POSTGRES_INITDB_ARGS"]
        try:
            self._run(
                *("initdb", "-D", str(self.folder), "-U", self.user),
                *(f"--pwfile={word}", "--encoding=UTF8", "--locale=C.UTF-8"),
                *str(told).split(),
            )
        finally:
            word.unlink()

    def program(self) -> Program:
        """Give the server's command line, with what the service adds to it."""
        asked = services()[self.service].get("command", ["postgres"])[1:]
        return Program(
            (
                *(str(self.binaries / "postgres"), "-D", str(self.folder), *asked),
                *("-c", f"listen_addresses={LOOPBACK}", "-c", f"port={self.port}"),
                *("-c", "unix_socket_directories="),
            ),
            _environment(),
            Path("/"),
            self.account,
            signal.SIGINT,
        )

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        where = ("-h", LOOPBACK, "-p", str(self.port), "-d", "postgres")
        answer = subprocess.run(
            (str(self.binaries / "pg_isready"), *where, "--timeout=2"),
            env=_environment(),
            capture_output=True,
            check=False,
        )
        return answer.returncode == 0

    def create_database(self) -> None:
        """Make the database that the image makes; raises DatabaseError."""
        name = str(services()[self.service]["environment"]["POSTGRES_DB"])
        where = ("-h", LOOPBACK, "-p", str(self.port), "-U", self.user)
        self._run("createdb", *where, name)

    def stop_at_once(self) -> None:
        """Have it end without a checkpoint, as when the power goes."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder))

    def _run(self, program: str, *arguments: str) -> None:
        answer = run(
            Program(
                (str(self.binaries / program), *arguments),
                _environment() | {"PGPASSWORD": self.password},
                Path("/"),
                self.account,
            )
        )
        if answer.returncode:
            raise DatabaseError((answer.stderr or answer.stdout).strip())


@cache
def system_binaries() -> Path:
    """Find the system's programs with the contributed extensions that Temporal needs.

    As root, Debian's package is installed where it is missing; its service is not
    started. Raises DatabaseError where there is none.
    """
    if (found := _found()) is None and os.geteuid() == 0:
        subprocess.run(
            ("sh", str(Path(__file__).with_name("install_postgresql.sh"))), check=False
        )
        found = _found()
    if found is None:
        raise DatabaseError("PostgreSQL with its contributed extensions is needed")
    return found


def _found() -> Path | None:
    """Take the newest of Debian's, else the one that pg_config tells of."""
    for bindir in sorted(_DEBIANS.glob("*/bin"), reverse=True):
        share = Path("/usr/share/postgresql") / bindir.parent.name
        if _serves(bindir, share):
            return bindir
    if (config := shutil.which("pg_config")) is None:
        return None
    told = subprocess.run(
        (config, "--bindir", "--sharedir"), capture_output=True, text=True, check=True
    )
    bindir, share = (Path(line) for line in told.stdout.splitlines())
    return bindir if _serves(bindir, share) else None


def _serves(bindir: Path, share: Path) -> bool:
    return (bindir / "initdb").exists() and (share / "extension" / _NEEDED).exists()


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
