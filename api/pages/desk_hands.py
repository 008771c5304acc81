"""A task changes hands: an officer takes it, gives it back, or gives it to another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Form as FormField
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.hands import carry_out, colleagues_for, task_to_give
from api.language import Language
from api.pages.asking import Asked, Form, form_router, led
from api.pages.checking import Check
from api.pages.forms import Faults, FormWritten, Written
from api.pages.naming import Named
from api.pages.rendering import Page
from api.pages.words import Sentence, Voice
from api.parts import Parts, TheParts
from api.signin.who import SignedIn, TheOfficer, own_form
from records.accounts import names_of_accounts
from records.hands import (
    Change,
    ChangedBefore,
    HandRow,
    IsSettled,
)
from records.models import TaskRow

router = APIRouter(route_class=Page, include_in_schema=False)
_TO, _SEEN = "a", "vu"

SAID = frozenset({"taken", "given_back", "given", "too_late"})
"""What the page of a task may be told to confirm."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Who has a task, for an officer who reads; *by* is None for nobody."""

    by: Markup | str | None
    are_mine: bool

    @property
    def are_anothers(self) -> bool:
        """Whether a colleague has it."""
        return self.by is not None and not self.are_mine


@dataclass(frozen=True, slots=True)
class HandLine:
    """One change of hands, worded; *at* is a real instant."""

    at: datetime
    what: Markup
    by: Markup | str


def hands_of(task: TaskRow, who: SignedIn, who_is: Named) -> Hands:
    """Say who has a task."""
    mine = task.holder == who.account
    return Hands(who_is(task.holder) if task.holder else None, mine)


def hand_lines(rows: Iterable[HandRow], who_is: Named) -> list[HandLine]:
    """Word each change of hands."""
    return [HandLine(row.at, _worded(row, who_is), who_is(row.by)) for row in rows]


def _worded(row: HandRow, who_is: Named) -> Markup:
    nobody = who_is.say("hands.nobody")
    return who_is.say(
        f"hands.line_{row.what}",
        before=who_is(row.before) if row.before else nobody,
        after=who_is(row.after) if row.after else nobody,
    )


async def named_in(
    session: AsyncSession,
    tasks: Iterable[TaskRow],
    rows: Iterable[HandRow],
    language: Language,
) -> Named:
    """Name everybody who has or had these tasks."""
    accounts = {task.holder for task in tasks}
    for row in rows:
        accounts |= {row.by, row.before, row.after}
    known = await names_of_accounts(session, {a for a in accounts if a is not None})
    return Named(known, Voice(language))


# ------------------------------------------------------------- taken, or given back


@router.post(
    "/{language:fr_or_en}/bureau/mains/{task_id:path}",
    dependencies=[Depends(own_form)],
)
async def take_or_give_back(
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    task_id: str,
    written: FormWritten,
    act: Annotated[str, FormField(alias="acte")] = "",
) -> Response:
    """Take a task, or give one's own back; lead to its page, which says who has it."""
    back = act == "rendre"
    change = Change(
        task_id=task_id.replace("\0", ""),
        by=who.account,
        seen=who.account if back else written[_SEEN] or None,
        to=None if back else who.account,
    )
    return _led_to(language, task_id, await _changed(parts, change))


async def _changed(parts: Parts, change: Change) -> str:
    """Change hands and name what was done; raises Refused for an unknown task."""
    try:
        await carry_out(parts, change)
    except ChangedBefore:
        return "too_late"
    except IsSettled:
        return ""
    return str(change.what)


def _led_to(language: Language, task_id: str, said: str) -> Response:
    query = f"?mains={said}" if said else ""
    return led(f"/{language}/bureau/tache/{quote(task_id)}{query}")


# ------------------------------------------------------------ given to a colleague


@dataclass(frozen=True, slots=True, kw_only=True)
class _Givable:
    """A task, its hands, and the colleagues who may be given it, by account."""

    task: TaskRow
    hands: Hands
    colleagues: Mapping[str, str]


class Giving(Form[str]):
    """Who of the Office gets a task."""

    template, field = "desk_giving.html", _TO

    def __init__(self, asked: Asked, found: _Givable) -> None:
        super().__init__(asked)
        self.found = found
        to_task = f"/bureau/tache/{quote(found.task.task_id)}"
        self.back = to_task, Sentence("desk.back_to_task")

    async def facts(self) -> Mapping[str, Any]:
        """Give the task, and whether there is anybody to give it to."""
        is_open = self.found.task.closed_at is None
        return {"found": self.found, "asks": is_open and bool(self.found.colleagues)}

    async def read(self, written: Written, faults: Faults) -> str | None:
        """Read who gets it: a colleague whom the system knows."""
        self.seen = written[_SEEN] or None
        if written[_TO] not in self.found.colleagues:
            faults.add(_TO, "hands.fault_to")
            return None
        return written[_TO]

    async def check(self, what: str) -> Check:
        """Show who would get it."""
        return Check(
            self.path,
            [(Sentence("hands.to"), self.found.colleagues[what])],
            [Sentence("hands.next")],
            Sentence("hands.give"),
            back=self.back,
        )

    async def send(self, what: str, key: str) -> Response:  # noqa: ARG002 - as it is
        """Give it: what is as wished already is left as it is."""
        asked, task_id = self.asked, self.found.task.task_id
        change = Change(task_id=task_id, by=asked.who.account, seen=self.seen, to=what)
        said = await _changed(asked.parts, change)
        return _led_to(asked.language, task_id, said)


async def _of_task(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    task_id: str,
) -> Giving:
    async with parts.sessions() as session:
        task = await task_to_give(session, task_id)
        others = await colleagues_for(session, task, who.account)
        who_is = await named_in(session, [task], [], language)
    found = _Givable(task=task, hands=hands_of(task, who, who_is), colleagues=others)
    return Giving(Asked(request, parts, language, who), found)


giving = form_router("/bureau/confier/{task_id:path}", _of_task)
