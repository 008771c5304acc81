"""A task changes hands: the same rules for a page and for a machine."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import Refused
from api.parts import Parts
from records.accounts import officers_known
from records.hands import Change, change_hands
from records.models import TaskRow
from records.queries import task_numbered
from workflows.messages import Refusal


async def carry_out(parts: Parts, change: Change) -> None:
    """Put a task in other hands; as wished already is as good.

    Raises Refused for an unknown task, records.hands.ChangedBefore, or IsSettled.
    """
    try:
        async with parts.sessions.begin() as session:
            await change_hands(session, change)
    except LookupError as unknown:
        raise Refused(Refusal.UNKNOWN_TASK) from unknown


async def task_to_give(session: AsyncSession, task_id: str) -> TaskRow:
    """Find a task; raises Refused for an unknown one."""
    task = await task_numbered(session, task_id.replace("\0", ""))
    if task is None:
        raise Refused(Refusal.UNKNOWN_TASK)
    return task


async def colleagues_for(
    session: AsyncSession, task: TaskRow, by: str
) -> Mapping[str, str]:
    """Name the officers to whom *by* may give a task, by account."""
    known = await officers_known(session)
    return {
        account: name
        for account, name in known.items()
        if account not in {by, task.holder}
    }
