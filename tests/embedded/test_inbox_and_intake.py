"""The inbox and the stack's own intake: what is answered there is in the records."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from embedded.places import forget
from embedded.ports import LOOPBACK, Ports
from embedded.stack import EmbeddedStack
from tests.embedded.correspondence import INTAKE_ADDRESS, LUCE, a_letter, send


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    parts = ("inbox", "postgres", "intake")
    async with EmbeddedStack(tmp_path / "var", Ports.free(), parts) as stack:
        yield stack
    forget(tmp_path / "var")


def rows(stack: EmbeddedStack) -> list[Any]:
    address = stack.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        asked = "SELECT sender, understood->>'nature' FROM mails ORDER BY received_at"
        return connection.execute(asked).fetchall()


async def test_what_is_answered_to_a_letter_is_in_the_records_once_it_is_confirmed(
    stack: EmbeddedStack,
) -> None:
    await asyncio.to_thread(
        send, stack.ports.smtp, a_letter(), return_path=INTAKE_ADDRESS
    )
    address = f"http://{LOOPBACK}:{stack.ports.inbox}"
    async with httpx2.AsyncClient(base_url=address, timeout=60) as web:
        [letter] = (await web.get("/api/messages")).json()
        reply = {"from": LUCE, "subject": "Re: dernier jour", "text": "Bonjour"}
        answer = await web.post(f"/fr/{letter['id']}/reply", data=reply)
        assert answer.status_code == 303
        assert rows(stack) == [(LUCE, "person")]
        answer = await web.post(f"/fr/{letter['id']}/back")
        assert answer.status_code == 303
        assert rows(stack)[1:] == [("mailer-daemon@courriel.example", "report")]
