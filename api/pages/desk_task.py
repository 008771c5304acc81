"""One task on the Office's desk: what it is about, and what an officer decides."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.decisions import decide
from api.errors import Refused
from api.language import Language
from api.pages.desk import Waiting, waiting
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import speaking_for
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.postal import may_be_posted
from api.signin.who import SignedIn, TheDecidingOfficer, own_form
from api.v1.answers import StateAnswer
from api.v1.mail_answers import MailShown
from api.v1.mail_showing import message_shown
from api.v1.showing import known, own_now, shown
from records.clock import database_now
from records.desk import Said, tasks_of, text_named, texts_of, who_gave_notice
from records.incoming import mail_numbered
from records.models import Letter, Person, TaskRow
from records.queries import task_numbered
from records.trails import letter_numbered
from rules.civil_time import civil_date
from rules.dossier import Stage
from workflows.commands import TRANSFER_TASKS
from workflows.messages import Decision, Refusal

router = APIRouter(route_class=Page, include_in_schema=False)
_DECISION, _TEXT = "decision", "texte"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The dossier of a task as its story sees it, and what surrounds the task.

    *hindrance* is why the officer who reads cannot refuse now.
    """

    person: Person
    state: StateAnswer
    others: tuple[TaskRow, ...]
    texts: tuple[Said, ...]
    hindrance: Sentence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a task is about: a message, a letter of ours, or a text."""

    message: MailShown | None = None
    letter: Letter | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A task before an officer; *holder* is None for one that belongs to no dossier."""

    line: Waiting
    holder: Holder | None
    matter: Matter
    options: tuple[Decision, ...]

    @property
    def task(self) -> TaskRow:
        """The task itself."""
        return self.line.task

    @property
    def is_about_a_request(self) -> bool:
        """Whether it may end in a refusal."""
        return self.task.reason in TRANSFER_TASKS


@router.get("/{language:fr_or_en}/bureau/tache/{task_id:path}")
async def read(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheDecidingOfficer,
    task_id: str,
) -> Response:
    """Show what a task is about, and what can be decided."""
    found = await _task(parts, who, task_id)
    return _form(request, language, found, first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/bureau/tache/{task_id:path}", dependencies=[Depends(own_form)]
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheDecidingOfficer,
    task_id: str,
    written: FormWritten,
) -> Response:
    """Check a decision, show it once more with its text, then ask the story."""
    found = await _task(parts, who, task_id)
    if found.task.closed_at is not None:
        return RedirectResponse(_path(language, task_id), status.HTTP_303_SEE_OTHER)
    faults = Faults()
    decision = _decision(found, written, faults)
    if not written[_TEXT]:
        faults.add(_TEXT, "desk.fault_text")
    if decision is None or faults or written.step is Step.WRITE:
        return _form(request, language, found, written, faults)
    if written.step is Step.CHECK:
        return _check(request, language, found, written, decision)
    try:
        await decide(
            parts,
            speaking_for(who),
            task_id,
            decision,
            text=written[_TEXT],
            key=written.key,
        )
    except Refused as refused:
        faults.refused(_DECISION, refused)
        return _form(request, language, found, written, faults)
    dossier = found.task.dossier
    home = f"/{language}/bureau" + (f"/dossier/{dossier}" if dossier else "")
    return RedirectResponse(f"{home}?fait={decision}", status.HTTP_303_SEE_OTHER)


def _decision(found: Open, written: Written, faults: Faults) -> Decision | None:
    """Read the decision; a refusal is kept from who may not give it.

    Whether it fits the task is asked of the story when it is sent: sent twice, it has
    already changed what fits.
    """
    said = written[_DECISION]
    if said not in set(Decision):
        faults.add(_DECISION, "desk.fault_decision")
        return None
    decision = Decision(said)
    hindrance = found.holder.hindrance if found.holder else None
    if decision is Decision.REFUSE and hindrance is not None:
        faults.add(_DECISION, hindrance.key, **hindrance.facts)
    elif decision not in found.options and written.step is not Step.SEND:
        faults.refused(_DECISION, Refused(Refusal.NOT_FOR_THIS_TASK))
    return decision


def _path(language: Language, task_id: str) -> str:
    return f"/{language}/bureau/tache/{quote(task_id)}"


# ------------------------------------------------------------------- what is shown


async def _task(parts: Parts, who: SignedIn, task_id: str) -> Open:
    """Gather what surrounds a task; raises Refused for an unknown one."""
    async with parts.sessions() as session:
        task = await task_numbered(session, task_id.replace("\0", ""))
        if task is None:
            raise Refused(Refusal.UNKNOWN_TASK)
        today = civil_date(
            await own_now(session, task.dossier)
            if task.dossier
            else await database_now(session)
        )
    holder = await _holder(parts, who, task) if task.dossier else None
    return Open(
        line=waiting(task, holder.person.name if holder else None, today),
        holder=holder,
        matter=await _matter(parts, task),
        options=_options(task, holder),
    )


async def _holder(parts: Parts, who: SignedIn, task: TaskRow) -> Holder:
    number = task.dossier
    assert number is not None
    state = await shown(parts, number)
    async with parts.sessions() as session:
        row = await known(session, number)
        person = await session.get_one(Person, row.person_id)
        others = await tasks_of(session, number)
        texts = await texts_of(session, number)
        hindrance = _hindrance(who, state, await who_gave_notice(session, number))
    return Holder(
        person=person,
        state=state,
        others=tuple(each for each in others if each.task_id != task.task_id),
        texts=texts,
        hindrance=hindrance,
    )


def _hindrance(
    who: SignedIn, state: StateAnswer, noticed_by: str | None
) -> Sentence | None:
    """Say why an officer cannot refuse: their rank, four eyes, or the person's time.

    The delay itself is the story's to judge, by its own clock.
    """
    if not who.decides:
        return Sentence("desk.not_decider")
    request = state.dossier.request
    if request is None or request.stage is not Stage.NOTICE_GIVEN:
        return None
    return Sentence("desk.same_officer") if noticed_by == who.account else None


def _options(task: TaskRow, holder: Holder | None) -> tuple[Decision, ...]:
    """List what may be decided, as the story would take it now."""
    request = holder.state.dossier.request if holder else None
    if task.reason not in TRANSFER_TASKS or holder is None or request is None:
        return (Decision.SETTLE,)
    if request.stage is not Stage.NOTICE_GIVEN:
        return (Decision.EXAMINE_AGAIN, Decision.INTEND_TO_REFUSE)
    if holder.hindrance is not None:
        return (Decision.EXAMINE_AGAIN,)
    return (Decision.EXAMINE_AGAIN, Decision.REFUSE)


async def _matter(parts: Parts, task: TaskRow) -> Matter:
    """Find what a task is about, by the one id that it keeps."""
    about = (task.about or "").removeprefix("bounce:")
    async with parts.sessions() as session:
        letter = await letter_numbered(session, about)
        written = await text_named(session, about)
        mail = await mail_numbered(session, about)
    message = await message_shown(parts, about) if mail else None
    return Matter(
        message=message, letter=letter, text=written.text if written else None
    )


def _form(
    request: Request, language: Language, found: Open, written: Written, faults: Faults
) -> Response:
    letter = found.matter.letter
    return page(
        request,
        "desk_task.html",
        language,
        422 if faults else 200,
        found=found,
        action=_path(language, found.task.task_id),
        printable=letter is not None and may_be_posted(letter),
        written=written,
        faults=faults,
    )


def _check(
    request: Request,
    language: Language,
    found: Open,
    written: Written,
    decision: Decision,
) -> Response:
    return page(
        request,
        "desk_check.html",
        language,
        found=found,
        action=_path(language, found.task.task_id),
        written=written,
        decision=decision,
    )
