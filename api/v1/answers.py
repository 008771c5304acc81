"""What callers are answered: one model an answer."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.verifying import PublicStatus
from rules.dossier import Dossier, Kind, Phase
from rules.reasons import Finding
from workflows.messages import DutyView


class Answer(BaseModel):
    """Read from rows and values alike; never more than what is declared."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


Live = Annotated[
    bool,
    Field(
        description="True: the story itself answered. False: it did not, and this is "
        "what was last kept, at as_of."
    ),
]


class Opened(Answer):
    """A new dossier."""

    number: str
    story_begun: bool


class StateAnswer(Answer):
    """Where a dossier stands; dates ending in _on are days in Québec."""

    number: str
    phase: Phase
    as_of: datetime
    live: Live
    version: int
    policy_version: str | None
    echeance: date | None
    last_valid_day: date | None
    next_due_at: datetime | None
    needs_staff: bool
    letters_on_their_way: tuple[str, ...] | None = None
    facts_waiting: int | None = None
    dossier: Dossier


class AgendaAnswer(Answer):
    """What happens next, and what has been done, oldest first."""

    number: str
    as_of: datetime
    live: Live
    duties: tuple[DutyView, ...]


class ExplanationAnswer(Answer):
    """Each condition of the present answer, with its source."""

    number: str
    as_of: datetime
    live: Live
    phase: Phase
    findings: tuple[Finding, ...]
    last_day: date | None


class TimelineLine(Answer):
    """One thing that happened."""

    position: int
    what: str
    at: datetime
    by: str
    detail: dict[str, Any]
    text_id: str | None


class StepLine(Answer):
    """One step of a letter, at the dossier's own instant."""

    key: str
    notice: str
    at: datetime
    state: str
    fence: int
    answer: str | None


class Timeline(Answer):
    """A page of the history, oldest first.

    *letter_steps* are the steps of letters between this page's entries, for officers.
    """

    number: str
    entries: tuple[TimelineLine, ...]
    letter_steps: tuple[StepLine, ...] = ()
    next_cursor: str | None


class LetterLine(Answer):
    """One letter; *subject* and *body* are empty until it was composed."""

    key: str
    notice: str
    occurred_at: datetime
    state: str
    language: str | None
    subject: str | None
    body: str | None


class Letters(Answer):
    """The letters of a dossier, oldest first."""

    number: str
    letters: tuple[LetterLine, ...]


class InvoiceLine(Answer):
    """One invoice; *amount_cents* is what was paid, or the fee of today."""

    invoice_id: str
    operation: str
    asked_on: date
    renews: date | None
    state: str
    amount_cents: int | None
    amount_confirmed: bool
    captured_at: datetime | None


class Invoices(Answer):
    """The invoices of a dossier, oldest first."""

    number: str
    invoices: tuple[InvoiceLine, ...]


class CommandTaken(Answer):
    """A command was carried out and kept; *key* makes it count once."""

    key: str
    link_id: str | None = None
    state: StateAnswer


class FactKept(Answer):
    """A fact is kept and will be heard; *new* is false when it was told before."""

    fact_id: str
    new: bool
    delivered: bool


class PermitChangeKept(Answer):
    """A change is kept, and told to each dossier with a link to the agency."""

    permit: str
    valid: bool
    effective_on: date
    dossiers_told: int
    delivered: bool


class VerificationAnswer(Answer):
    """What the public register says of a number at *as_of*; nothing of the person."""

    number: str
    status: PublicStatus
    kind: Kind | None
    last_valid_day: date | None
    as_of: datetime


class PaymentBegun(Answer):
    """Where the person goes to pay, and how much."""

    session_id: str
    invoice_id: str
    operation: str
    amount_cents: int
    amount_confirmed: bool
    currency: str
    pay_url: str


class WebhookTaken(Answer):
    """The provider's message is kept."""

    received: bool = True


class MailTaken(Answer):
    """A message is kept, under this id."""

    mail_id: str


class SimulatedSession(Answer):
    """A try to pay at the simulated provider."""

    session_id: str
    state: str
    invoice_id: str
    amount_cents: int
    payment_id: str | None
    webhook_status: int | None = None


class DossierLine(Answer):
    """One dossier of a list."""

    number: str
    name: str
    phase: Phase
    echeance: date | None
    next_due_at: datetime | None
    needs_staff: bool
    kept_at: datetime | None


class Dossiers(Answer):
    """A page of dossiers, by number."""

    dossiers: tuple[DossierLine, ...]
    next_cursor: str | None


class TaskLine(Answer):
    """Something only a person can settle."""

    task_id: str
    dossier: str | None
    reason: str
    about: str | None
    due_on: date
    opened_at: datetime
    escalated: bool
    holder: str | None
    """The account of the officer who took it."""


class OfficerLine(Answer):
    """An officer who signed in of late; *account* is what tasks are given to."""

    account: str
    name: str


class Officers(Answer):
    """The officers to whom a task may be given, by name."""

    officers: tuple[OfficerLine, ...]


class Tasks(Answer):
    """A page of open tasks, most urgent first."""

    tasks: tuple[TaskLine, ...]
    next_cursor: str | None


class TaskSettled(Answer):
    """A decision was taken on a task; *state* is that of its dossier, if it has one."""

    task_id: str
    key: str
    state: StateAnswer | None


class Parameter(Answer):
    """One parameter of the policy; *ours* says that it is a choice, not the law."""

    name: str
    value: Any
    starts_on: Annotated[date, Field(serialization_alias="from")]
    source: str
    ours: bool
    question: str | None
    other_values: tuple[Any, ...]


class PolicyAnswer(Answer):
    """Every parameter in force on a day."""

    kind: Kind
    on: date
    version: str
    parameters: tuple[Parameter, ...]
