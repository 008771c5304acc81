"""One effect in a process of its own, which a crashpoint may kill."""

import asyncio
import os
import sys
from asyncio import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from temporalio.client import Client

from activities.certificates import Certificates
from activities.dossiers import Dossiers
from activities.importing import Importing
from activities.issuing import Issuing
from activities.letters import Letters, Post
from activities.money import MoneySweep
from activities.reporting import Desk, Reporting
from activities.writing import Letterhead
from letters.connections import Connections
from letters.smtp import Relay
from payments.provider import Refund
from records.database import Sessions, make_engine, make_sessions
from records.pace import Pace
from tests.activities.certifying import settings_with_a_key
from tests.activities.office import run
from workflows.messages import (
    CertificateClaim,
    FactsSetAside,
    LetterOrder,
    Record,
    ResultMove,
    Told,
)
from workflows.payloads import data_converter

CHECKOUT = Path(__file__).parents[2]
HEAD = Letterhead(
    sender="certificats@echeance.example",
    return_address="retour@echeance.example",
    intake_address="certificats@echeance.example",
    help_address="aide@echeance.example",
    public_url="https://echeance.example",
    domain="echeance.example",
    secret=b"a key of the tests",
)


DESK = Desk(
    address="exploitation@bureau.example",
    language="fr",
    sender=HEAD.sender,
    return_address=HEAD.return_address,
    public_url=HEAD.public_url,
    domain=HEAD.domain,
    secret=HEAD.secret,
    relay_log_url=None,
    heads_dir=None,
)
NO_LIMIT = Pace(in_a_minute=60_000, in_a_minute_to_a_domain=60_000)


def a_post(
    port: int,
    log_url: str | None = None,
    pace: Pace = NO_LIMIT,
    **changes: timedelta,
) -> Post:
    """A relay on loopback that is waited for very little."""
    relay = Relay("127.0.0.1", port, command_timeout=2.0, data_timeout=0.3)
    patience = {"grace": timedelta(), "log_patience": timedelta()} | changes
    return Post(relay, pace, log_url, **patience)


class ReportAsked(BaseModel):
    """The operator's mail of a day is asked for."""

    day: date


class ImportAsked(BaseModel):
    """A file that somebody said yes to is to be brought in."""

    import_id: str


@dataclass
class BookKeeper:
    """As much of a provider as gives money back: once a key, a line in its book."""

    book: Path

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        if key not in lines:
            self.book.write_text("\n".join([*lines, key]) + "\n")
        return Refund(f"ref-{key}", payment_id, amount_cents)


async def give_back(sessions: Sessions, client: Client, book: Path) -> None:
    """Give back what is ordered back, as the sweep of money does."""
    sweep = MoneySweep(sessions, client, None, datetime.now(UTC))
    provider: Any = BookKeeper(book)
    await sweep._give_back(provider)


async def attempt(
    argument: BaseModel,
    url: str,
    *,
    crash_at: str,
    post: Post | None = None,
    key_in: Path | None = None,
) -> int:
    """Run the effect of *argument* in a child; return its exit code, -9 for a kill.

    Certificates are signed by the key in a folder, where one is given.
    """
    own: Mapping[str, str] = {
        "DATABASE_URL": url,
        "EFFECT": type(argument).__name__,
        "ECHEANCE_CRASHPOINT": crash_at,
        "RELAY_PORT": str(post.relay.port if post else 0),
        "RELAY_LOG": (post.log_url if post else None) or "",
        "KEY_IN": str(key_in or ""),
    }
    child = await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "tests.activities.attempt"),
        stdin=subprocess.PIPE,
        cwd=CHECKOUT,
        env={**os.environ, **own},
    )
    await child.communicate(argument.model_dump_json().encode())
    assert child.returncode is not None
    return child.returncode


async def _in_the_child() -> None:
    engine = make_engine(os.environ["DATABASE_URL"])
    sessions = make_sessions(engine)
    told = sys.stdin.read()
    nowhere = await Client.connect(
        "127.0.0.1:1", lazy=True, data_converter=data_converter
    )
    dossiers, certificates = Dossiers(sessions, nowhere), Certificates(sessions)
    match os.environ["EFFECT"]:
        case "Record":
            await run(dossiers.keep_record, Record.model_validate_json(told))
        case "FactsSetAside":
            aside = FactsSetAside.model_validate_json(told)
            await run(dossiers.set_facts_aside, aside)
        case "ResultMove":
            move = ResultMove.model_validate_json(told)
            await run(certificates.move_result, move)
        case "CertificateClaim":
            claim = CertificateClaim.model_validate_json(told)
            await run(certificates.claim_certificate, claim)
        case "Told":
            fact = Told.model_validate_json(told).fact
            await run(dossiers.deliver_told, [fact.fact_id])
        case "ReportAsked":
            asked = ReportAsked.model_validate_json(told)
            relay = Relay("127.0.0.1", int(os.environ["RELAY_PORT"]), data_timeout=0.3)
            desk = replace(DESK, relay_log_url=os.environ["RELAY_LOG"])
            reporting = Reporting(sessions, Connections(relay), desk)
            await run(reporting.tell_operator, asked.day)
        case "ImportAsked":
            wanted = ImportAsked.model_validate_json(told).import_id
            await run(Importing(sessions, nowhere).bring_in, wanted)
        case "RefundOrdered":
            await give_back(sessions, nowhere, Path(os.environ["PROVIDERS_BOOK"]))
        case _:
            port, log_url = int(os.environ["RELAY_PORT"]), os.environ["RELAY_LOG"]
            folder, url = os.environ["KEY_IN"], os.environ["DATABASE_URL"]
            issuing = (
                Issuing(sessions, settings_with_a_key(url, Path(folder)))
                if folder
                else None
            )
            letters = Letters(sessions, a_post(port, log_url or None), HEAD, issuing)
            await run(letters.send_letter, LetterOrder.model_validate_json(told))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_in_the_child())
    os._exit(0)
