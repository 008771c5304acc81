"""One task on the Office's desk: what it is about, and what an officer decides."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.decisions import decide, keep_four_eyes
from api.errors import Refused
from api.language import Language
from api.pages.asking import Asked, Form, form_router, led
from api.pages.checking import Check
from api.pages.desk import Waiting, waiting
from api.pages.desk_hands import SAID, HandLine, hand_lines, hands_of, named_in
from api.pages.forms import Faults, Step, Written
from api.pages.mine import speaking_for
from api.pages.words import Sentence, words
from api.parts import Parts, TheParts
from api.postal import may_be_posted
from api.resending import may_be_sent_again
from api.signin.who import SignedIn, TheDecidingOfficer
from api.v1.answers import StateAnswer
from api.v1.mail_answers import MailShown
from api.v1.mail_showing import message_shown
from api.v1.showing import known, own_now, shown
from intake.refunding import InHand, in_hand
from records.clock import database_now
from records.desk import Said, tasks_of, text_named, texts_of
from records.hands import hands_of_task
from records.incoming import mail_numbered
from records.looks import note_look
from records.models import Letter, Person, TaskRow
from records.queries import task_numbered
from records.trails import letter_numbered
from rules.civil_time import civil_date
from rules.dossier import Stage
from workflows.commands import TRANSFER_TASKS
from workflows.messages import Decision, Refusal

_DECISION, _TEXT = "decision", "texte"
_OF_A_FORM = re.compile(r"[a-z_]+-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The dossier of a task as its story sees it, and what surrounds the task.

    *hindrance* is why the officer who reads cannot refuse now.
    """

    person: Person
    state: StateAnswer
    others: tuple[TaskRow, ...]
    texts: tuple[Said, ...]
    hindrance: Sentence | Refused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a task is about: a message, a letter of ours, a text, or money."""

    message: MailShown | None = None
    letter: Letter | None = None
    text: str | None = None
    money: InHand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A task before an officer; *holder* is None for one that belongs to no dossier."""

    line: Waiting
    holder: Holder | None
    matter: Matter
    options: tuple[Decision, ...]
    changes: Sequence[HandLine]

    @property
    def task(self) -> TaskRow:
        """The task itself."""
        return self.line.task

    @property
    def names_its_matter(self) -> bool:
        """Whether the one id that the task keeps says something to an officer.

        A person's request keeps the key of its form, which nobody can look up.
        """
        about = self.task.about
        if not about or self.matter.message or self.matter.letter or self.matter.text:
            return False
        return _OF_A_FORM.fullmatch(about) is None

    @property
    def is_about_a_request(self) -> bool:
        """Whether it may end in a refusal."""
        return self.task.reason in TRANSFER_TASKS


class Deciding(Form[Decision]):
    """What a task is about, and what is decided of it."""

    template, field = "desk_task.html", _DECISION
    back = "/bureau", Sentence("desk.back")

    def __init__(self, asked: Asked, found: Open) -> None:
        super().__init__(asked)
        self.found = found

    async def facts(self) -> Mapping[str, Any]:
        """Give the task, and whether it still waits."""
        letter, asked = self.found.matter.letter, self.asked
        task_id, told = self.found.task.task_id, asked.request.query_params
        return {
            "found": self.found,
            "asks": self.found.task.closed_at is None,
            "resendable": letter is not None and may_be_sent_again(letter),
            "unprinted": self._unprinted(),
            "printable": letter is not None and may_be_posted(letter),
            "refund_page": f"/{asked.language}/bureau/remboursement/{quote(task_id)}",
            "refund_ordered": told.get("fait") == "rembourser",
            "hands_said": said if (said := told.get("mains")) in SAID else None,
            "give_page": f"/{asked.language}/bureau/confier/{quote(task_id)}",
        }

    def _unprinted(self) -> str | None:
        """Name the dossier's page, of a task about a certificate that was not printed.

        The pages that correct the name and print the certificate lie behind it.
        """
        task, letter = self.found.task, self.found.matter.letter
        if task.reason != "certificate_not_printed" or letter is None:
            return None
        if task.closed_at is not None:
            return None
        return f"/{self.asked.language}/bureau/dossier/{letter.dossier}"

    async def take(self, written: Written) -> Response:
        """Take a decision; a task that is settled is shown as it is."""
        if self.found.task.closed_at is not None:
            return self.led_here()
        return await super().take(written)

    async def read(self, written: Written, faults: Faults) -> Decision | None:
        """Read the decision and its text.

        A refusal is kept from who may not give it. Whether a decision fits is asked of
        the story when it is sent: sent twice, it has already changed what fits.
        """
        self.text = written[_TEXT]
        decision = self._chosen(written, faults)
        if not self.text:
            faults.add(_TEXT, "desk.fault_text")
        return decision

    def _chosen(self, written: Written, faults: Faults) -> Decision | None:
        said = written[_DECISION]
        if said not in set(Decision):
            faults.add(_DECISION, "desk.fault_decision")
            return None
        decision = Decision(said)
        hindrance = self.found.holder.hindrance if self.found.holder else None
        if decision is Decision.REFUSE and hindrance is not None:
            faults.by_field.setdefault(_DECISION, hindrance)
        elif decision not in self.found.options and written.step is not Step.SEND:
            faults.refused(_DECISION, Refused(Refusal.NOT_FOR_THIS_TASK))
        return decision

    async def check(self, what: Decision) -> Check:
        """Show the decision once more, with the text that the person will read."""
        task, holder = self.found.task, self.found.holder
        name = f"{task.dossier}, {holder.person.name}" if holder else None
        hands = self.found.line.hands
        instead = Sentence("hands.instead", {"name": hands.by})
        return Check(
            self.path,
            [
                (Sentence("desk.task"), _reason(task)),
                (Sentence("desk.dossier"), name or Sentence("desk.no_dossier")),
                *([(Sentence("hands.who"), instead)] if hands.are_anothers else []),
                (Sentence("desk.decision"), Sentence(f"desk.decision_{what}")),
                (Sentence("desk.words"), self.text),
            ],
            [Sentence(f"desk.next_{what}")],
            Sentence("desk.send"),
            back=(self.path, Sentence("desk.back_to_task")),
        )

    async def send(self, what: Decision, key: str) -> Response:
        """Ask the story."""
        asked, task = self.asked, self.found.task
        who = speaking_for(asked.who)
        await decide(asked.parts, who, task.task_id, what, text=self.text, key=key)
        dossier = f"/dossier/{task.dossier}" if task.dossier else ""
        return led(f"/{asked.language}/bureau{dossier}?fait={what}")


# ------------------------------------------------------------------- what is shown


async def _task(parts: Parts, who: SignedIn, task_id: str, language: Language) -> Open:
    """Gather what surrounds a task; raises Refused for an unknown one."""
    async with parts.sessions.begin() as session:
        task = await task_numbered(session, task_id.replace("\0", ""))
        if task is None:
            raise Refused(Refusal.UNKNOWN_TASK)
        today = civil_date(
            await own_now(session, task.dossier)
            if task.dossier
            else await database_now(session)
        )
        if task.dossier:
            await note_look(session, task.dossier, who.account, "task")
        changes = await hands_of_task(session, task.task_id)
        who_is = await named_in(session, [task], changes, language)
    holder = await _holder(parts, who, task) if task.dossier else None
    name = holder.person.name if holder else None
    return Open(
        line=waiting(task, name, today, hands_of(task, who, who_is)),
        holder=holder,
        matter=await _matter(parts, task),
        options=_options(task, holder),
        changes=hand_lines(changes, who_is),
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
        hindrance = await _hindrance(session, who, state)
    return Holder(
        person=person,
        state=state,
        others=tuple(each for each in others if each.task_id != task.task_id),
        texts=texts,
        hindrance=hindrance,
    )


async def _hindrance(
    session: AsyncSession, who: SignedIn, state: StateAnswer
) -> Sentence | Refused | None:
    """Say why an officer cannot refuse: their rank, or four eyes.

    The delay itself is the story's to judge, by its own clock.
    """
    if not who.decides:
        return Sentence("desk.not_decider")
    request = state.dossier.request
    if request is None or request.stage is not Stage.NOTICE_GIVEN:
        return None
    try:
        await keep_four_eyes(session, state.number, who.account)
    except Refused as refused:
        return refused
    return None


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
        money = await in_hand(session, about) if about else None
    message = await message_shown(parts, about) if mail else None
    return Matter(
        message=message,
        letter=letter,
        text=written.text if written else None,
        money=money,
    )


def _reason(task: TaskRow) -> Sentence:
    key = f"desk.reason_{task.reason}"
    return Sentence(
        key if key in words() else "desk.reason_other", {"name": task.reason}
    )


async def _of_task(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheDecidingOfficer,
    task_id: str,
) -> Deciding:
    asked = Asked(request, parts, language, who)
    return Deciding(asked, await _task(parts, who, task_id, language))


router = form_router("/bureau/tache/{task_id:path}", _of_task)
