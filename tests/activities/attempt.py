"""One effect in a process of its own, which a crashpoint may kill."""

import asyncio
import os
import sys
from asyncio import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel
from temporalio.client import Client

from activities.dossiers import Dossiers
from activities.letters import Letters, Post
from activities.writing import Letterhead
from letters.smtp import Relay
from records.database import make_engine, make_sessions
from records.pace import Pace
from tests.activities.office import run
from workflows.messages import LetterOrder, Record

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


async def attempt(
    argument: BaseModel, url: str, *, crash_at: str, post: Post | None = None
) -> int:
    """Run the effect of *argument* in a child; return its exit code, -9 for a kill."""
    own: Mapping[str, str] = {
        "DATABASE_URL": url,
        "EFFECT": type(argument).__name__,
        "ECHEANCE_CRASHPOINT": crash_at,
        "RELAY_PORT": str(post.relay.port if post else 0),
        "RELAY_LOG": (post.log_url if post else None) or "",
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
    if os.environ["EFFECT"] == Record.__name__:
        nowhere = await Client.connect("127.0.0.1:1", lazy=True)
        dossiers = Dossiers(sessions, nowhere)
        await run(dossiers.keep_record, Record.model_validate_json(told))
    else:
        port, log_url = int(os.environ["RELAY_PORT"]), os.environ["RELAY_LOG"]
        letters = Letters(sessions, a_post(port, log_url or None), HEAD)
        await run(letters.send_letter, LetterOrder.model_validate_json(told))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_in_the_child())
    os._exit(0)
