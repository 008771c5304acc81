"""Temporal's own server: two processes of each role, as the compose file sets it up."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.building import Built
from cluster.compose import environment_of, script_of
from cluster.database import Database
from embedded.places import temporal_binary
from embedded.processes import Program

ROLES = ("frontend", "history", "matching", "worker")
NODES = ("127.0.0.1", "127.0.0.2")
"""Where the two processes of a role listen: a role has one port, wherever it runs."""

NAMESPACE = "echeance"

_LOWEST, _HIGHEST = 20_000, 32_000  # below those that the system gives to clients
_DYNAMIC = """\
# The stories of years are played in minutes: only here, and never in production.
frontend.WorkflowTimeSkippingEnabled:
  - value: true
# A hop through time takes 0.2 s instead of 1 s.
history.timerProcessorMaxTimeShift:
  - value: 10ms
"""


def free_ports(count: int) -> list[int]:
    """Choose ports that nobody holds on either node."""
    candidates = random.SystemRandom().sample(range(_LOWEST, _HIGHEST), 20 * count)
    free = [port for port in candidates if all(_is_free(ip, port) for ip in NODES)]
    return free[:count]


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Server:
    """One Temporal cluster: where it keeps all, and the port of each role."""

    built: Built
    database: Database
    folder: Path
    ports: Mapping[str, tuple[int, int]]
    """For calls and for membership, by role."""
    http_port: int

    @classmethod
    def on(cls, built: Built, database: Database, folder: Path) -> "Server":
        """Choose free ports."""
        calls = free_ports(2 * len(ROLES) + 1)
        pairs = zip(calls[::2], calls[1::2], strict=False)
        return cls(
            built, database, folder, dict(zip(ROLES, pairs, strict=True)), calls[-1]
        )

    def frontend(self, node: int) -> str:
        """Name the address of one of the two frontends."""
        return f"{NODES[node]}:{self.ports['frontend'][0]}"

    def programs(self) -> dict[str, Program]:
        """Give every process, by its name: temporal-history-1 and so on."""
        dynamic = self.folder / "dynamic.yaml"
        dynamic.write_text(_DYNAMIC)
        return {
            f"temporal-{role}-{node + 1}": Program(
                (str(self.built.server), "start"),
                os.environ | self.environment(role, node, dynamic),
                self.folder,
            )
            for role in ROLES
            for node in range(len(NODES))
        }

    def environment(self, role: str, node: int, dynamic: Path) -> dict[str, str]:
        """Give the compose file's variables, and what tells two processes apart."""
        ports = {
            f"{each.upper()}_{use}_PORT": str(port)
            for each, pair in self.ports.items()
            for use, port in zip(("GRPC", "MEMBERSHIP"), pair, strict=True)
        }
        told = environment_of(
            "temporal",
            changed={
                "DB_PORT": str(self.database.port),
                "POSTGRES_SEEDS": "127.0.0.1",
                "BIND_ON_IP": NODES[node],
            },
        )
        return {
            **told,
            **ports,
            "FRONTEND_HTTP_PORT": str(self.http_port),
            "TEMPORAL_BROADCAST_ADDRESS": NODES[node],
            "TEMPORAL_SERVICES": role,
            "DYNAMIC_CONFIG_FILE_PATH": str(dynamic),
            # As the service's command does with the secret's file.
            "POSTGRES_PWD": self.database.password,
        }

    def schema(self, password_file: Path) -> Program:
        """Give the steps of the service temporal-schema."""
        script = script_of(
            "temporal-schema",
            {
                "/run/secrets/temporal_postgres_password": str(password_file),
                "--ep temporal-postgres": "--ep 127.0.0.1",
                "-p 5432": f"-p {self.database.port}",
                "/etc/temporal/schema/postgresql/v12": str(self.built.schema),
            },
        )
        return self._shell(script, {})

    def namespace(self, name: str = NAMESPACE) -> Program:
        """Give the steps of the service temporal-namespace, for another one too."""
        told = environment_of(
            "temporal-namespace",
            changed={"TEMPORAL_ADDRESS": self.frontend(0), "TEMPORAL_NAMESPACE": name},
        )
        script = script_of("temporal-namespace", {f"-n {NAMESPACE}": f"-n {name}"})
        return self._shell(script, told)

    def _shell(self, script: str, told: Mapping[str, str]) -> Program:
        tools = (self.built.folder, temporal_binary().parent)
        path = os.pathsep.join([*map(str, tools), os.defpath])
        return Program(("/bin/sh", "-euc", script), {"PATH": path, **told}, self.folder)
