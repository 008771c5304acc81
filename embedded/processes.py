"""Programs that are started, watched and stopped."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_PAUSE_S = 0.02
_BIG_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a program runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """A command line with all it needs to run."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(slots=True)
class Running:
    """A process: our child, or one adopted from a launcher that is gone."""

    pid: int
    stop_signal: signal.Signals = signal.SIGTERM
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def poll(self) -> int | None:
        """Return the exit code once it ended (minus the signal; 0 if adopted)."""
        if self.child is not None:
            return self.child.poll()
        return None if is_alive(self.pid) else 0

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that ended already is left alone."""
        if self.poll() is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """End it with SIGKILL, and whatever it started in its session."""
        self.signal(signal.SIGKILL)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def stop(self, patience_s: float = 10.0) -> None:
        """Ask it to end, wait, and end it when it does not."""
        self.signal(self.stop_signal)
        if not self.wait(patience_s):
            self.kill()
            self.wait(patience_s)

    def wait(self, patience_s: float) -> bool:
        """Say whether it ended within *patience_s* seconds."""
        limit = time.monotonic() + patience_s
        while self.poll() is None:
            if time.monotonic() > limit:
                return False
            time.sleep(_PAUSE_S)
        return True


def start(program: Program, log: Path | None) -> Running:
    """Start *program* in a session of its own, its output added to *log*.

    It ends with us, even when we are killed (Linux). Call it from the main thread:
    the tie is to the thread that starts it.
    """
    who = program.account
    tether = (
        sys.executable,
        *("-I", "-S", str(_TETHER)),
        str(int(program.stop_signal)),
        str(os.getpid()),
        str(who.uid) if who else "-",
        str(who.gid) if who else "-",
    )
    output = None if log is None else _opened(log)
    try:
        child = subprocess.Popen(
            (*tether, *program.command),
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        if output is not None:
            os.close(output)
    return Running(child.pid, program.stop_signal, child)


def run(program: Program) -> subprocess.CompletedProcess[str]:
    """Run a short program to its end, as its account; give its exit code and words."""
    account = program.account
    return subprocess.run(
        program.command,
        env=dict(program.environment),
        cwd=program.folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _opened(log: Path) -> int:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _BIG_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a dead one that nobody reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    try:
        state = stat.read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return not Path("/proc/self/stat").exists()
    return state not in "ZX"


def unprivileged() -> Account | None:
    """Return the account for programs that refuse root; None for an ordinary user.

    Raises KeyError where root has no account "nobody" to lend.
    """
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, for a person."""
    if not log.exists():
        return ""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 20_000))
        text = lines.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-count:])
