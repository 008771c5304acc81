"""What officers of the Office see and do: lists, tasks, decisions, corrections."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.access import Caller, Officer
from api.decisions import decide as taken
from api.parts import Parts, TheParts
from api.v1.answers import (
    CommandTaken,
    DossierLine,
    Dossiers,
    TaskLine,
    Tasks,
    TaskSettled,
)
from api.v1.cursors import number_after, number_cursor, task_after, task_cursor
from api.v1.fields import (
    CivilDay,
    CorrectionAsked,
    Cursor,
    DecisionTaken,
    Limit,
    Line,
    NameInPath,
    NumberInPath,
)
from api.v1.showing import known
from api.v1.telling import Key, ask, command_id, keep_text, text_id
from records.models import DossierRow
from records.queries import (
    DossierFilter,
    dossiers_matching,
    open_tasks,
)
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import Correct

router = APIRouter(prefix="/staff", tags=["staff"])


@router.get("/dossiers")
async def list_dossiers(
    parts: TheParts,
    _caller: Officer,
    phase: Phase | None = None,
    needs_staff: bool | None = None,
    echeance_before: Annotated[CivilDay | None, Query()] = None,
    search: Annotated[
        Line | None, Query(description="Part of a name, or the start of a number.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Dossiers:
    """List dossiers by number, a page at a time."""
    wanted = DossierFilter(
        phase=phase,
        needs_staff=needs_staff,
        echeance_before=echeance_before,
        search=search,
    )
    after = number_after(cursor)
    async with parts.sessions() as session:
        rows = await dossiers_matching(session, wanted, after=after, limit=limit + 1)
    lines = tuple(_line(row, name) for row, name in rows[:limit])
    more = number_cursor(lines[-1].number) if len(rows) > limit else None
    return Dossiers(dossiers=lines, next_cursor=more)


def _line(row: DossierRow, name: str) -> DossierLine:
    return DossierLine(
        number=row.number,
        name=name,
        phase=Phase(row.phase),
        echeance=row.echeance,
        next_due_at=row.next_due_at,
        needs_staff=row.needs_staff,
        kept_at=row.kept_at,
    )


@router.get("/tasks")
async def list_tasks(
    parts: TheParts, _caller: Officer, cursor: Cursor = None, limit: Limit = 50
) -> Tasks:
    """List what waits for a person, most urgent first."""
    after = task_after(cursor)
    async with parts.sessions() as session:
        rows = await open_tasks(session, after=after, limit=limit + 1)
    lines = tuple(TaskLine.model_validate(row) for row in rows[:limit])
    last = lines[-1] if len(rows) > limit else None
    more = None if last is None else task_cursor(last.due_on, last.task_id)
    return Tasks(tasks=lines, next_cursor=more)


@router.post("/tasks/{task_id:path}/decision")
async def decide(
    parts: TheParts,
    caller: Officer,
    task_id: NameInPath,
    asked: DecisionTaken,
    key: Key,
) -> TaskSettled:
    """Decide on a task; a refusal comes only after notice and observations."""
    state = await taken(
        parts, caller, task_id, asked.decision, text=asked.text, key=key
    )
    return TaskSettled(task_id=task_id, key=key, state=state)


@router.post("/dossiers/{number}/corrections")
async def correct(
    parts: TheParts,
    caller: Officer,
    number: NumberInPath,
    asked: CorrectionAsked,
    key: Key,
) -> CommandTaken:
    """Replace a wrong date, with the reason that the person will read."""
    command = Correct(
        command_id=command_id("correct", key),
        by=caller.subject,
        text_id=await _keep_reason(parts, number, key, asked.text, caller),
        what=asked.what,
        value=asked.value,
        link_id=asked.link_id,
    )
    return await ask(parts, caller, DossierNumber(number), command, key=key)


async def _keep_reason(
    parts: Parts, number: str, key: str, text: str, caller: Caller
) -> str:
    name = text_id("correct", key)
    async with parts.sessions.begin() as session:
        await known(session, number)
        await keep_text(
            session, name=name, dossier=number, text=text, by=caller.subject
        )
    return name
