"""Which port each part listens on, on the loopback address only."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from embedded.sentences import sentence

LOOPBACK = "127.0.0.1"

VARIABLES: Mapping[str, str] = {
    "api": "ECHEANCE_API_PORT",
    "inbox": "ECHEANCE_INBOX_PORT",
    "smtp": "ECHEANCE_SMTP_PORT",
    "lmtp": "ECHEANCE_LMTP_PORT",
    "sign_in": "ECHEANCE_SIGN_IN_PORT",
    "temporal": "ECHEANCE_TEMPORAL_PORT",
    "temporal_ui": "ECHEANCE_TEMPORAL_UI_PORT",
    "postgres": "ECHEANCE_POSTGRES_PORT",
}

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 20_000


class PortError(ValueError):
    """A port cannot be used; the text is one sentence for the person."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One port a door."""

    api: int = 8000
    inbox: int = 8025
    smtp: int = 1025
    lmtp: int = 8024
    sign_in: int = 8026
    temporal: int = 7233
    temporal_ui: int = 8233
    postgres: int = 5433

    @classmethod
    def free(cls) -> "Ports":
        """Choose ports that nobody holds, below those the system gives to clients."""
        # A client that calls a dead port of the client range again and again can end
        # up connected to itself, and then the part cannot take its port back.
        limit = _first_ephemeral_port()
        candidates = random.SystemRandom().sample(range(_LOWEST, limit), 200)
        free = (port for port in candidates if not is_busy(port))
        return cls(*(next(free) for _ in fields(cls)))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """Take ECHEANCE_PORTS=auto, or the defaults with each variable that is set.

        Raises PortError for a value that is not a port.
        """
        if environment.get("ECHEANCE_PORTS") == "auto":
            return cls.free()
        chosen = {
            name: _port(variable, environment[variable])
            for name, variable in VARIABLES.items()
            if environment.get(variable)
        }
        return cls(**chosen)

    def as_dict(self) -> dict[str, int]:
        """Return the ports by name of door."""
        return asdict(self)


def is_busy(port: int) -> bool:
    """Say whether somebody listens on *port* already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return True
    return False


def claim(use: str, port: int) -> None:
    """Raise PortError, naming the port and who changes it, where it is taken."""
    if is_busy(port):
        raise PortError(sentence("busy", port=port, use=use, variable=VARIABLES[use]))


def _port(variable: str, value: str) -> int:
    if value.isascii() and value.isdigit() and 0 < int(value) < 2**16:
        return int(value)
    raise PortError(sentence("bad_port", variable=variable, value=value))


def _first_ephemeral_port() -> int:
    try:
        first = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > _LOWEST + 1000 else 60_000
