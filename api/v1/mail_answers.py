"""What officers are answered about letters and messages: one model an answer."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from api.v1.answers import Answer, StepLine, TaskLine
from records.ledger import Fate


class FatesCounted(Answer):
    """How many fell due and what became of them.

    due = handed_over + refused + on_its_way + withdrawn + useless + no_address +
    superseded + unexplained, and handed_over = accepted + delivered + bounced.
    """

    due: int
    handed_over: int
    accepted: int
    delivered: int
    bounced: int
    refused: int
    on_its_way: int
    withdrawn: int
    useless: int
    no_address: int
    superseded: int
    standstill: int
    missed: int
    unexplained: Annotated[int, Field(description="standstill + missed: never normal.")]


class NoticeLine(Answer):
    """The count of one notice."""

    notice: str
    count: FatesCounted


class DayLine(Answer):
    """The count of one civil day in Québec, and of each notice on it."""

    day: date
    count: FatesCounted
    notices: tuple[NoticeLine, ...]


class Standing(Answer):
    """How the mail does at this moment; instants are real ones."""

    leaving: int
    deferred: int
    in_doubt: int
    standstill: int
    oldest_waiting_since: datetime | None
    to_post: Annotated[
        int,
        Field(description="Letters about a right that did not arrive, task open."),
    ]
    nobody_told: Annotated[
        int, Field(description="Letters that did not arrive and made no task.")
    ]
    messages_with_a_task: int
    messages_set_aside: int
    swept_at: datetime | None
    findings_for_a_person: int


class MailDays(Answer):
    """Days on which something fell due, newest first; dossiers' own instants."""

    as_of: datetime
    standing: Standing
    today: DayLine
    days: tuple[DayLine, ...]
    next_before: date | None


class DueLine(Answer):
    """One thing that fell due; a superseded step has no *key*, and no letter."""

    key: str | None
    dossier: str
    notice: str
    occurred_at: datetime
    state: Fate
    language: str | None = None
    subject: str | None = None
    answer: Annotated[
        str | None,
        Field(description="The relay's last words, or why it did not leave."),
    ] = None
    copy_of_on: Annotated[
        date | None,
        Field(description="The day of the first, of a letter sent once more."),
    ] = None

    @property
    def answer_matters(self) -> bool:
        """Whether the last words say more than the state does."""
        return self.state in {Fate.REFUSED, Fate.ON_ITS_WAY, Fate.STANDSTILL}


class DueList(Answer):
    """A page of what fell due, newest first; *last* is empty where no end was asked."""

    first: date
    last: date | None
    letters: tuple[DueLine, ...]
    next_cursor: str | None


class TaskAbout(TaskLine):
    """A task about a letter or a message; it waits while *closed_at* is empty."""

    closed_at: datetime | None


class LetterShown(Answer):
    """A letter with its text, its steps, and the tasks about it."""

    key: str
    dossier: str
    notice: str
    occurred_at: datetime
    state: Fate
    language: str | None
    recipient: str | None
    subject: str | None
    body: str | None
    message_id: str | None
    answer: str | None
    steps: tuple[StepLine, ...]
    tasks: tuple[TaskAbout, ...]


class Unexplained(Answer):
    """What is due and not handed over without a reason, and what nobody was told of."""

    missed: tuple[DueLine, ...]
    standstill: tuple[DueLine, ...]
    nobody_told: tuple[DueLine, ...]


class PostLine(Answer):
    """A letter to post, and the open task about it.

    One that has no text, since its address cannot be written to, cannot be printed.
    """

    letter: DueLine
    printable: bool
    task_id: str
    reason: str
    due_on: date
    escalated: bool


class PostList(Answer):
    """A page of letters to post, most urgent task first."""

    letters: tuple[PostLine, ...]
    next_cursor: str | None


class MailLine(Answer):
    """One message that came in; *sender* is masked on a list."""

    mail_id: str
    received_at: datetime
    sender: str | None
    subject: str
    outcome: str
    dossier: str | None
    door: str
    copies: int
    tasks: tuple[TaskAbout, ...]


class MailList(Answer):
    """A page of messages, newest first."""

    messages: tuple[MailLine, ...]
    next_cursor: str | None


class MailShown(MailLine):
    """A message as it was read: its text, never its HTML, and what was understood."""

    text: str
    understood: dict[str, Any]
    looked_at: datetime | None
    looked_at_by: str | None
