"""What officers of the Office see and do: lists, tasks, decisions, corrections."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.access import Officer
from api.codes import Code
from api.correcting import correct as taken_correction
from api.decisions import decide as taken
from api.errors import Refused
from api.hands import carry_out, colleagues_for, task_to_give
from api.parts import Parts, TheParts
from api.reissuing import reissue as taken_reissue
from api.renaming import correct_name as taken_name
from api.v1.answers import (
    CommandTaken,
    DossierLine,
    Dossiers,
    FactKept,
    OfficerLine,
    Officers,
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
    NameCorrectionAsked,
    NameInPath,
    NumberInPath,
    ReissueAsked,
    TaskGiven,
    TaskTaken,
)
from api.v1.telling import Key
from records.accounts import officers_known
from records.hands import Change, ChangedBefore, IsSettled
from records.models import DossierRow
from records.queries import (
    DossierFilter,
    dossiers_matching,
    open_tasks,
)
from rules.dossier import Phase
from workflows.messages import Refusal

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


@router.get("/officers")
async def list_officers(parts: TheParts, _caller: Officer) -> Officers:
    """List who signed in here in the last ninety days: a task is given to no other."""
    async with parts.sessions() as session:
        known = await officers_known(session)
    lines = (OfficerLine(account=account, name=name) for account, name in known.items())
    return Officers(officers=tuple(lines))


@router.post("/tasks/{task_id:path}/take")
async def take(
    parts: TheParts, caller: Officer, task_id: NameInPath, asked: TaskTaken
) -> TaskLine:
    """Take a task; of two who take it at once, the second is refused."""
    by = caller.subject
    return await _in_hands(parts, Change(task_id, by=by, seen=asked.seen, to=by))


@router.post("/tasks/{task_id:path}/give-back")
async def give_back(parts: TheParts, caller: Officer, task_id: NameInPath) -> TaskLine:
    """Give one's own task back: it is nobody's."""
    by = caller.subject
    return await _in_hands(parts, Change(task_id, by=by, seen=by, to=None))


@router.post("/tasks/{task_id:path}/give")
async def give(
    parts: TheParts, caller: Officer, task_id: NameInPath, asked: TaskGiven
) -> TaskLine:
    """Give a task to a colleague, who finds it among their own."""
    async with parts.sessions() as session:
        task = await task_to_give(session, task_id)
        others = await colleagues_for(session, task, caller.subject)
    if asked.to not in others and asked.to != task.holder:
        raise Refused(Code.UNKNOWN_COLLEAGUE)
    change = Change(task_id, by=caller.subject, seen=asked.seen, to=asked.to)
    return await _in_hands(parts, change)


async def _in_hands(parts: Parts, change: Change) -> TaskLine:
    """Change hands and show the task; raises Refused where somebody was quicker."""
    try:
        await carry_out(parts, change)
    except ChangedBefore as quicker:
        raise Refused(Code.TASK_IN_OTHER_HANDS) from quicker
    except IsSettled as settled:
        raise Refused(Refusal.UNKNOWN_TASK) from settled
    async with parts.sessions() as session:
        return TaskLine.model_validate(await task_to_give(session, change.task_id))


@router.post("/dossiers/{number}/corrections")
async def correct(
    parts: TheParts,
    caller: Officer,
    number: NumberInPath,
    asked: CorrectionAsked,
    key: Key,
) -> CommandTaken:
    """Replace a wrong date, with the reason that the person will read."""
    return await taken_correction(
        parts,
        caller,
        number,
        asked.what,
        asked.value,
        link_id=asked.link_id,
        text=asked.text,
        key=key,
    )


@router.post("/dossiers/{number}/editions")
async def reissue(
    parts: TheParts,
    caller: Officer,
    number: NumberInPath,
    asked: ReissueAsked,
    key: Key,
) -> CommandTaken:
    """Have a certificate printed again, with the reason that the person will read."""
    return await taken_reissue(
        parts, caller, number, asked.term_start, text=asked.text, key=key
    )


@router.post("/dossiers/{number}/name")
async def correct_name(
    parts: TheParts,
    caller: Officer,
    number: NumberInPath,
    asked: NameCorrectionAsked,
    key: Key,
) -> FactKept:
    """Replace a wrong name, in every dossier of the person, who will read the reason.

    A certificate's file says the former name until it is printed again.
    """
    return await taken_name(parts, caller, number, asked.name, text=asked.text, key=key)
