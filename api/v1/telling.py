"""What callers tell and ask: facts and texts kept first, commands counted once."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Caller
from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.stories import Stories
from api.v1.answers import CommandTaken, FactKept
from api.v1.discretion import state_for
from api.v1.fields import IdempotencyKey
from api.v1.showing import as_told
from intake.delivery import store_fact
from records.models import WrittenText
from records.queries import fact_told
from rules.numbers import DossierNumber
from workflows.messages import AnyCommand, AnyFact


def _key_or_new(key: IdempotencyKey = None) -> str:
    return key or uuid4().hex


Key = Annotated[str, Depends(_key_or_new)]
"""The caller's Idempotency-Key, or a new one."""


def command_id(kind: str, key: str) -> str:
    """Name a command: one key serves each kind of command once a dossier."""
    return f"{kind}-{key}"


def text_id(kind: str, key: str) -> str:
    """Name the text that goes with a command."""
    return f"{kind}-{key}"


async def keep_text(
    session: AsyncSession, *, name: str, dossier: str | None, text: str, by: str
) -> None:
    """
    Keep a person's text; only *name* travels on.

    Raises Refused when another text, or another dossier's, was kept under that name.
    """
    row = insert(WrittenText).values(text_id=name, dossier=dossier, text=text, by=by)
    await session.execute(row.on_conflict_do_nothing())
    kept = await session.get_one(WrittenText, name)
    if (kept.text, kept.dossier) != (text, dossier):
        raise Refused(Code.KEY_ALREADY_USED)


async def ask(
    parts: Parts,
    caller: Caller,
    number: DossierNumber,
    command: AnyCommand,
    *,
    key: str,
    link_id: str | None = None,
) -> CommandTaken:
    """Have a story carry out a command; raises Refused, or StoryAway."""
    view = await Stories(parts.client).carry_out(number, command, key=key)
    state = state_for(caller, as_told(view))
    return CommandTaken(key=key, link_id=link_id, state=state)


async def keep_fact(
    session: AsyncSession, number: DossierNumber, fact: AnyFact
) -> bool:
    """
    Keep a fact in the caller's transaction; False when it was told before.

    Raises Refused when something else was told under its id.
    """
    if await store_fact(session, number, fact):
        return True
    before = await fact_told(session, fact.fact_id)
    if (
        before is None
        or before.dossier != number
        or _meaning(before.body) != _meaning(fact.model_dump(mode="json"))
    ):
        raise Refused(Code.FACT_CONTRADICTED)
    return False


async def tell(parts: Parts, fact: AnyFact, *, new: bool) -> FactKept:
    """Tell a kept fact to its story; what is not delivered now is delivered later."""
    delivered = await parts.courier.tell([fact.fact_id])
    return FactKept(fact_id=fact.fact_id, new=new, delivered=delivered)


def _meaning(body: dict[str, Any]) -> dict[str, Any]:
    hours = {"occurred_at", "received_at"}
    return {name: value for name, value in body.items() if name not in hours}
