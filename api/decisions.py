"""What an officer decides on a task: the text is kept first, the story then judges."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Caller
from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import StateAnswer
from api.v1.telling import ask, command_id, keep_text, text_id
from records.desk import who_gave_notice
from records.hands import note_decided
from records.models import TaskRow
from records.queries import task_numbered
from rules.numbers import DossierNumber
from workflows.messages import Decide, Decision, Refusal


async def decide(
    parts: Parts,
    caller: Caller,
    task_id: str,
    decision: Decision,
    *,
    text: str,
    key: str,
) -> StateAnswer | None:
    """Decide on a task; None for one that belongs to no dossier.

    Raises Refused with the story's own code or when one officer would do both halves
    of a refusal, or StoryAway.
    """
    async with parts.sessions.begin() as session:
        task = await _open_task(session, task_id)
        if decision is Decision.REFUSE and task.dossier is not None:
            await keep_four_eyes(session, task.dossier, caller.subject)
        name = text_id("decide", key)
        await keep_text(
            session, name=name, dossier=task.dossier, text=text, by=caller.subject
        )
        if task.dossier is None:
            _settle(task, decision)
            await note_decided(session, task_id, by=caller.subject, key=key)
            return None
    command = Decide(
        command_id=command_id("decide", key),
        by=caller.subject,
        text_id=name,
        task_id=task_id,
        decision=decision,
    )
    taken = await ask(parts, caller, DossierNumber(task.dossier), command, key=key)
    async with parts.sessions.begin() as session:
        await note_decided(session, task_id, by=caller.subject, key=key)
    return taken.state


async def _open_task(session: AsyncSession, task_id: str) -> TaskRow:
    """Find a task; one of a dossier is left to its story, which may know better."""
    task = await task_numbered(session, task_id)
    if task is None or (task.dossier is None and task.closed_at is not None):
        raise Refused(Refusal.UNKNOWN_TASK)
    return task


async def keep_four_eyes(session: AsyncSession, dossier: str, officer: str) -> None:
    """Keep a refusal from the officer who gave its notice: our policy, not law.

    Raises Refused for that officer's account.
    """
    if await who_gave_notice(session, dossier) == officer:
        raise Refused(Code.SAME_OFFICER)


def _settle(task: TaskRow, decision: Decision) -> None:
    """Close a task that belongs to no dossier: there is nothing else to decide."""
    if decision is not Decision.SETTLE:
        raise Refused(Refusal.NOT_FOR_THIS_TASK)
    task.closed_at = func.now()
