"""A production installation: its folder, secrets, ports, and what each service gets."""

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes, token_urlsafe

from cluster.building import Built
from cluster.compose import environment_of
from cluster.database import Database, system_binaries
from cluster.temporal import Server, free_ports
from embedded.parts import python
from embedded.personas import AUDIENCES
from embedded.places import CHECKOUT, postgres_binaries, postgres_home
from embedded.ports import LOOPBACK
from embedded.processes import Program
from embedded.signing_chain import make_signing_chain
from settings import Settings, settings_from

_MACHINES = ("exam_body", "register", "operator")
_DOORS = ("smtp", "inbox", "sign_in", "cards", "lmtp", "api-1", "api-2")
_SECRETS = (
    "echeance_mail_key",
    "echeance_mail_webhook_secret",
    "echeance_stripe_api_key",
    "postgres_password",
    "temporal_postgres_password",
    *(f"echeance_sign_in_{each}_client_secret" for each in AUDIENCES.values()),
)


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Installation:
    """What docker-compose.yml and its reader say, put on this machine's addresses."""

    built: Built
    folder: Path
    says: Callable[[str], None] = _silent
    ports: dict[str, int] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    def lay_out(self) -> None:
        """Empty the folder, make the secrets and choose the ports."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("secrets", "ready", "logs", "heads", "temporal"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "secrets").chmod(0o700)
        for name in _SECRETS:
            self._keep(name, token_urlsafe(32))
        card_key = b64encode(token_bytes(32)).decode()
        self._keep("echeance_payment_webhook_secret", f"whsec_{card_key}")
        self._keep("echeance_temporal_keys", f"1={card_key}")
        self._keep("echeance_mail_webhook_secret", f"whsec_{card_key}")
        tokens = {name: token_urlsafe(32) for name in _MACHINES}
        self._keep("echeance_tokens", json.dumps(tokens))
        for name, text in zip(
            ("signing_key", "signing_chain"), make_signing_chain(), strict=True
        ):
            self._keep(name, text)
        numbers = free_ports(len(_DOORS) + 2)
        names = (*_DOORS, "postgres", "temporal-postgres")
        self.ports = dict(zip(names, numbers, strict=True))
        home = postgres_home(self.folder)
        # The records need PostgreSQL 18, and Temporal's visibility an extension: no
        # package of a system of this year has both.
        programs = {
            "postgres": postgres_binaries(),
            "temporal-postgres": system_binaries(),
        }
        self.records, stories = (
            Database(
                service,
                home / service,
                self.ports[service],
                self.secret(f"{service}_password".replace("-", "_")),
                binaries,
            )
            for service, binaries in programs.items()
        )
        for database in (self.records, stories):
            shutil.rmtree(database.folder, ignore_errors=True)
        self.server = Server.on(self.built, stories, self.folder / "temporal")
        url = (
            f"postgresql+psycopg://{self.records.user}:{self.records.password}"
            f"@{LOOPBACK}:{self.records.port}/echeance"
        )
        self._keep("echeance_database_url", url)

    def _keep(self, name: str, text: str) -> None:
        file = self.folder / "secrets" / name
        file.touch(mode=0o600)
        file.write_text(text)

    def secret(self, name: str) -> str:
        """Read one of the secret files."""
        return (self.folder / "secrets" / name).read_text()

    def address(self, name: str) -> str:
        """Name the address of a door that speaks HTTP."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def log(self, name: str) -> Path:
        """Name the file of a process's output."""
        return self.folder / "logs" / f"{name}.log"

    def mark(self, name: str) -> Path:
        """Name the file that a service touches once it takes work."""
        return self.folder / "ready" / name

    def answers(self) -> dict[str, str]:
        """Say what an .env file of the compose file would say here."""
        stand_in = self.address("sign_in")
        return {
            "PUBLIC_URL": self.address("api-1"),
            "TEMPORAL_UI_URL": "http://127.0.0.1:8233",
            "RELAY_LOG_URL": f"{self.address('inbox')}/api/log",
            "MAIL_PER_MINUTE": "60000",
            "MAIL_PER_MINUTE_TO_A_DOMAIN": "60000",
            "PAYMENT_PROVIDER": "stripe",
            "STRIPE_API_URL": self.address("cards"),
            "SIGN_IN_STAFF_DECISION_ACR": "eleve",
            **{
                f"SIGN_IN_{audience.upper()}_ISSUER": f"{stand_in}/{realm}"
                for realm, audience in AUDIENCES.items()
            },
        }

    def environment(self, service: str, number: int = 1) -> dict[str, str]:
        """Give a service of ours the compose file's variables, names of here in them.

        Each of two services asks a frontend of its own.
        """
        secrets = self.folder / "secrets"
        changed = {
            "ECHEANCE_SECRETS_DIR": str(secrets),
            "ECHEANCE_TEMPORAL_ADDRESS": self.server.frontend(number - 1),
            "ECHEANCE_SMTP_HOST": LOOPBACK,
            "ECHEANCE_SMTP_PORT": str(self.ports["smtp"]),
            "ECHEANCE_API_HOST": LOOPBACK,
            "ECHEANCE_API_PORT": str(self.ports[f"api-{number}"]),
            "ECHEANCE_LMTP_HOST": LOOPBACK,
            "ECHEANCE_LMTP_PORT": str(self.ports["lmtp"]),
            # Everything is on loopback addresses: the wish for less is not needed.
            "ECHEANCE_ALLOW_CLEAR_TEXT_NETWORK": "false",
            "ECHEANCE_READY_FILE": str(self.mark(_name(service, number))),
        }
        if service == "worker":
            changed |= {
                "ECHEANCE_SIGNING_KEY_FILE": str(secrets / "signing_key"),
                "ECHEANCE_SIGNING_CHAIN_FILE": str(secrets / "signing_chain"),
                "ECHEANCE_HEADS_DIR": str(self.folder / "heads"),
            }
        if service == "api":
            changed["ECHEANCE_TOKENS_FILE"] = str(secrets / "echeance_tokens")
        return environment_of(service, self.answers(), changed)

    def settings(self, number: int = 1) -> Settings:
        """Read the settings of one of the two API processes."""
        names = (
            "echeance_database_url",
            "echeance_mail_key",
            "echeance_stripe_api_key",
            "echeance_temporal_keys",
        )
        secrets = (*names, "echeance_payment_webhook_secret")
        given = {name.upper(): self.secret(name) for name in secrets}
        return settings_from(self.environment("api", number) | given)

    def ours(self, service: str, *command: str, number: int = 1) -> Program:
        """Give a program of ours the environment of a service, and nothing besides."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ECHEANCE_")
        }
        own = {"PYTHONTZPATH": "", "PYTHONUNBUFFERED": "1"}
        told = self.environment(service, number)
        return Program(python(*command), {**inherited, **own, **told}, CHECKOUT)

    def name_ours(self) -> None:
        """Give our services and the stand-ins beside them their programs."""
        doors = [self.address(f"api-{n}") for n in (1, 2)]
        self.programs |= {
            "inbox": self._stand_in(
                *("embedded.inbox", "--folder", str(self.folder / "inbox")),
                *("--smtp-port", str(self.ports["smtp"])),
                *("--page-port", str(self.ports["inbox"])),
                *("--lmtp-port", str(self.ports["lmtp"])),
                *("--intake-address", self.settings().intake_address),
                *("--portal-url", self.address("api-1")),
            ),
            "sign_in": self._stand_in(
                *("embedded.standin", "--port", str(self.ports["sign_in"])),
                *("--secrets", str(self.folder / "secrets"), "--anybody"),
            ),
            "cards": self._stand_in(
                *("cluster.cards", "--port", str(self.ports["cards"])),
                *("--secrets", str(self.folder / "secrets"), "--tells", *doors),
            ),
            "intake": self.ours("intake", "cli.py", "intake"),
        }
        for n in (1, 2):
            self.programs[f"worker-{n}"] = self.ours("worker", "worker.py", number=n)
            self.programs[f"api-{n}"] = self.ours("api", "cli.py", "api", number=n)

    def _stand_in(self, *arguments: str) -> Program:
        return Program(python("-m", *arguments), os.environ, CHECKOUT)


def _name(service: str, number: int) -> str:
    return service if service in {"intake", "migrate"} else f"{service}-{number}"
