"""The Office's desk: what waits for a person, most urgent first, and the search."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.language import Language
from api.pages.desk_hands import Hands, hands_of, named_in
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import SignedIn, TheOfficer
from api.v1.cursors import number_after, number_cursor, task_after, task_cursor
from records.clock import database_now
from records.models import TaskRow
from records.queries import (
    DossierFilter,
    TaskFilter,
    dossier_numbered,
    dossiers_matching,
    open_tasks_with_names,
)
from rules.civil_time import civil_date, last_day
from rules.numbers import BadNumber, DossierNumber, parse_dossier_number

router = APIRouter(route_class=Page, include_in_schema=False)
AT_ONCE = 25
"""How many lines a page of a list has."""

_LONGEST = 200
Further = Annotated[str | None, Query(alias="suite")]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task in a list, counted in days for *today*."""

    task: TaskRow
    name: str | None
    age: int
    left: int
    hands: Hands

    @property
    def late(self) -> int:
        """How many days its date is past; 0 while it is not."""
        return max(0, -self.left)


def waiting(task: TaskRow, name: str | None, today: date, hands: Hands) -> Waiting:
    """Count a task's days; a clock moved ahead makes none younger than new."""
    age = max(0, (today - civil_date(task.opened_at)).days)
    return Waiting(task, name, age, (task.due_on - today).days, hands)


class Whose(StrEnum):
    """Which tasks the queue shows, as its address says."""

    ALL = "tous"
    MINE = "moi"
    NOBODYS = "personne"


_MENU = (
    ("courriel", "mail"),
    ("liens", "links"),
    ("tarifs", "fees"),
    ("regles", "policy"),
    ("importer", "imports"),
    ("concordance", "sweeps"),
)
"""The other pages of the desk: the end of the address, and of the key of its name."""

_SHOWN_AS = {Whose.ALL: "all", Whose.MINE: "mine", Whose.NOBODYS: "nobodys"}


def _wanted(whose: Whose, who: SignedIn) -> TaskFilter:
    return TaskFilter(
        holder=who.account if whose is Whose.MINE else None,
        unheld=whose is Whose.NOBODYS,
    )


@router.get("/{language:fr_or_en}/bureau")
async def queue(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    further: Further = None,
    qui: str = "",
) -> Response:
    """Show a page of the open tasks, by the day on which they are due."""
    after = task_after(further)
    whose = Whose(qui) if qui in set(Whose) else Whose.ALL
    async with parts.sessions() as session:
        rows = await open_tasks_with_names(
            session, after=after, limit=AT_ONCE + 1, wanted=_wanted(whose, who)
        )
        who_is = await named_in(session, (task for task, _ in rows), [], language)
        today = civil_date(await database_now(session))
    lines = [
        waiting(task, name, today, hands_of(task, who, who_is))
        for task, name in rows[:AT_ONCE]
    ]
    last = lines[-1].task if len(rows) > AT_ONCE else None
    filtered = {} if whose is Whose.ALL else {"qui": str(whose)}
    return page(
        request,
        "desk_queue.html",
        language,
        menu=_MENU,
        tasks=lines,
        is_first=after is None,
        more=last
        and urlencode({**filtered, "suite": task_cursor(last.due_on, last.task_id)}),
        filters=[(f"?qui={each}", _SHOWN_AS[each], each is whose) for each in Whose],
        shown=_SHOWN_AS[whose],
        first=f"?{urlencode(filtered)}" if filtered else "",
        was_settled=request.query_params.get("fait") == "settle",
        asked="",
    )


@router.get("/{language:fr_or_en}/bureau/chercher")
async def search(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    q: str = "",
    further: Further = None,
) -> Response:
    """List dossiers by a part of a name or the start of a number; open the only one."""
    asked = "".join(c for c in q[:_LONGEST] if c.isprintable()).strip()
    if not asked:
        return RedirectResponse(f"/{language}/bureau", status.HTTP_303_SEE_OTHER)
    after, number = number_after(further), _whole_number(asked)
    wanted = DossierFilter(search=asked)
    async with parts.sessions() as session:
        if number and await dossier_numbered(session, number):
            return RedirectResponse(
                f"/{language}/bureau/dossier/{number}", status.HTTP_303_SEE_OTHER
            )
        rows = await dossiers_matching(session, wanted, after=after, limit=AT_ONCE + 1)
    found = rows[:AT_ONCE]
    further = number_cursor(found[-1][0].number) if len(rows) > AT_ONCE else None
    return page(
        request,
        "desk_search.html",
        language,
        found=found,
        more=further and urlencode({"q": asked, "suite": further}),
        asked=asked,
        last_day=last_day,
    )


def _whole_number(asked: str) -> DossierNumber | None:
    try:
        return parse_dossier_number(asked)
    except BadNumber:
        return None
