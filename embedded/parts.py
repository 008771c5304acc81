"""The parts of a stack: how each is started and when it counts as ready."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.keys import keys_dir, read_key, signing_files
from embedded.personas import AUDIENCES
from embedded.places import CHECKOUT
from embedded.ports import LOOPBACK, Ports, claim
from embedded.postgres import Cluster
from embedded.processes import Program, Running, start
from embedded.temporal import NAMESPACE, temporal_is_ready, temporal_program
from settings import Settings

# In the order in which they become ready; they are stopped the other way round.
PARTS = ("inbox", "sign_in", "postgres", "temporal", "worker", "api", "intake")
# These need the tables and Temporal.
SERVICES = frozenset({"worker", "api", "intake"})


# The ports each part listens on, by their names in Ports.
DOORS: Mapping[str, tuple[str, ...]] = {
    "inbox": ("inbox", "smtp"),
    "sign_in": ("sign_in",),
    "postgres": ("postgres",),
    "temporal": ("temporal", "temporal_ui"),
    "worker": (),
    "api": ("api",),
    "intake": ("lmtp",),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    start: Callable[[], Running]
    is_ready: Callable[[], Awaitable[bool]]
    patience_s: float = 40.0


def stack_environment(data_dir: Path, ports: Ports) -> dict[str, str]:
    """Return the ECHEANCE_ variables of a stack; the secrets stay in their files."""
    stand_in = f"http://{LOOPBACK}:{ports.sign_in}"
    signing_key, signing_chain = signing_files(data_dir)
    return {
        "ECHEANCE_EMBEDDED": "true",
        "ECHEANCE_DATA_DIR": str(data_dir),
        "ECHEANCE_SECRETS_DIR": str(keys_dir(data_dir)),
        "ECHEANCE_TOKENS_FILE": str(keys_dir(data_dir) / "tokens.json"),
        "ECHEANCE_SIGNING_KEY_FILE": str(signing_key),
        "ECHEANCE_SIGNING_CHAIN_FILE": str(signing_chain),
        "ECHEANCE_TEMPORAL_ADDRESS": f"{LOOPBACK}:{ports.temporal}",
        "ECHEANCE_TEMPORAL_NAMESPACE": NAMESPACE,
        "ECHEANCE_TEMPORAL_UI_URL": f"http://{LOOPBACK}:{ports.temporal_ui}",
        "ECHEANCE_SMTP_HOST": LOOPBACK,
        "ECHEANCE_SMTP_PORT": str(ports.smtp),
        "ECHEANCE_SMTP_TLS": "none",
        # The catcher is nobody's mailbox: nothing has to wait.
        "ECHEANCE_MAIL_PER_MINUTE": "60000",
        "ECHEANCE_MAIL_PER_MINUTE_TO_A_DOMAIN": "60000",
        "ECHEANCE_RELAY_LOG_URL": f"http://{LOOPBACK}:{ports.inbox}/api/log",
        "ECHEANCE_HEADS_DIR": str(data_dir / "heads"),
        "ECHEANCE_LMTP_HOST": LOOPBACK,
        "ECHEANCE_LMTP_PORT": str(ports.lmtp),
        "ECHEANCE_API_HOST": LOOPBACK,
        "ECHEANCE_API_PORT": str(ports.api),
        "ECHEANCE_PUBLIC_URL": f"http://{LOOPBACK}:{ports.api}",
        **{
            f"ECHEANCE_SIGN_IN_{audience.upper()}_ISSUER": f"{stand_in}/{realm}"
            for realm, audience in AUDIENCES.items()
        },
    }


def process_environment(stack: Mapping[str, str]) -> dict[str, str]:
    """Return what a child process is given."""
    inherited = dict(os.environ)
    # These would speak louder than the files of this stack.
    for variable in ("DATABASE_URL", "MAIL_KEY", "PAYMENT_WEBHOOK_SECRET"):
        inherited.pop(f"ECHEANCE_{variable}", None)
    return {
        **inherited,
        **stack,
        # The pinned tzdata decides, not the system's copy.
        "PYTHONTZPATH": "",
        "PYTHONUNBUFFERED": "1",
    }


def cluster_of(data_dir: Path, ports: Ports) -> Cluster:
    """Return the stack's PostgreSQL."""
    return Cluster(data_dir, ports.postgres, read_key(data_dir, "postgres_password"))


def python(*arguments: str) -> tuple[str, ...]:
    """Return a command line of this interpreter, in the checkout."""
    return (sys.executable, *arguments)


def make_parts(
    data_dir: Path, ports: Ports, environment: Mapping[str, str], cluster: Cluster
) -> dict[str, Part]:
    """Return every part of a stack, by name; nothing is started."""
    bench = _Bench(data_dir, ports, environment)

    async def postgres_is_ready() -> bool:
        return await asyncio.to_thread(cluster.is_ready)

    async def temporal_serves() -> bool:
        return await temporal_is_ready(ports)

    inbox = (
        *("-m", "embedded.inbox", "--folder", str(data_dir / "inbox")),
        *("--smtp-port", str(ports.smtp), "--page-port", str(ports.inbox)),
        *("--lmtp-port", str(ports.lmtp)),
        *("--intake-address", _intake_address(environment)),
        *("--portal-url", environment["ECHEANCE_PUBLIC_URL"]),
    )
    sign_in = (
        *("-m", "embedded.standin", "--port", str(ports.sign_in)),
        *("--secrets", str(keys_dir(data_dir))),
    )
    parts = (
        bench.part("inbox", inbox, bench.answers(ports.inbox, "/livez")),
        bench.part("sign_in", sign_in, bench.answers(ports.sign_in, "/livez")),
        # It looks after its port itself: it may have to adopt who listens there.
        Part("postgres", cluster.start, postgres_is_ready),
        Part("temporal", bench.start_temporal, temporal_serves),
        bench.part("worker", ("worker.py",), bench.is_marked("worker")),
        bench.part("api", ("cli.py", "api"), bench.answers(ports.api, "/readyz")),
        bench.part("intake", ("cli.py", "intake"), bench.is_marked("intake")),
    )
    return {part.name: part for part in parts}


def _intake_address(environment: Mapping[str, str]) -> str:
    """Name the address that the stack's intake answers to."""
    usual = Settings.model_fields["intake_address"].default
    return environment.get("ECHEANCE_INTAKE_ADDRESS") or str(usual)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What starting a part needs."""

    data_dir: Path
    ports: Ports
    environment: Mapping[str, str]

    def part(self, name: str, arguments: tuple[str, ...], is_ready: "_Probe") -> Part:
        return Part(name, lambda: self._start(name, python(*arguments)), is_ready)

    def start_temporal(self) -> Running:
        self._claim("temporal")
        program = temporal_program(self.data_dir, self.ports, self.environment)
        return start(program, self._log("temporal"))

    def is_marked(self, name: str) -> "_Probe":
        async def marked() -> bool:
            return self._mark(name).exists()

        return marked

    def answers(self, port: int, path: str) -> "_Probe":
        return lambda: _answers(port, path)

    def _start(self, name: str, command: tuple[str, ...]) -> Running:
        self._claim(name)
        mark = self._mark(name)
        mark.unlink(missing_ok=True)
        own = {**self.environment, "ECHEANCE_READY_FILE": str(mark)}
        return start(Program(command, own, CHECKOUT), self._log(name))

    def _claim(self, name: str) -> None:
        numbers = self.ports.as_dict()
        for door in DOORS[name]:
            claim(door, numbers[door])

    def _mark(self, name: str) -> Path:
        return self.data_dir / "ready" / name

    def _log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"


_Probe = Callable[[], Awaitable[bool]]


async def _answers(port: int, path: str) -> bool:
    """Say whether GET *path* answers 200."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode()
                )
                first = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in first
