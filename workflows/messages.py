"""What is told to a dossier, asked of it, and answered by it: ids and dates only."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from rules.dossier import Dossier, Exam, Item, Kind, Phase
from rules.numbers import DossierNumber, PermitNumber
from rules.policy import Policy
from rules.reasons import Condition, Finding


class Message(BaseModel):
    """A value that crosses a border; fields are only ever added, with a default."""

    model_config = ConfigDict(frozen=True)


# ---------------------------------------------------------- facts, told by signals


class Source(StrEnum):
    """Who told a fact."""

    MAIL = "mail"
    PAYMENT_PROVIDER = "payment_provider"
    AGENCY = "agency"
    PERMIT_REGISTER = "permit_register"
    EXAM_BODY = "exam_body"
    STAFF = "staff"
    DOSSIER = "dossier"  # another dossier's story
    RELAY = "relay"  # the mail relay
    PERSON = "person"  # whose dossier it is, signed in


class Fact(Message):
    """Something that happened and cannot be refused; told at least once."""

    fact_id: str
    source: Source
    occurred_at: datetime
    received_at: datetime


class MailWish(StrEnum):
    """What a letter from a person asks."""

    TRANSFER = "transfer"
    CANCEL = "cancel"
    ADDRESS = "address"
    OBSERVATIONS = "observations"
    OTHER = "other"


class EmailReceived(Fact):
    """A letter about this dossier came in and was stored as *mail_id*."""

    kind: Literal["email_received"] = "email_received"
    mail_id: str
    wish: MailWish
    certificate: DossierNumber | None = None
    missing: tuple[Item, ...] = ()


class PaymentReversed(Fact):
    """A captured payment was taken back (chargeback)."""

    kind: Literal["payment_reversed"] = "payment_reversed"
    payment_id: str


class PaymentRefunded(Fact):
    """Money was given back: *refunded_cents* in all, of what was captured."""

    kind: Literal["payment_refunded"] = "payment_refunded"
    payment_id: str
    refunded_cents: int
    captured_cents: int


class RefundRefused(Fact):
    """Money did not go back after all: *refunded_cents* is what went back in all."""

    kind: Literal["refund_refused"] = "refund_refused"
    payment_id: str
    amount_cents: int
    refunded_cents: int = 0


class InvoicePaid(Fact):
    """Money was captured for an invoice; *occurred_at* is the instant of capture.

    *taken_back* is what was told of it before the capture itself: facts come in any
    order, and nothing is granted between the two.
    """

    kind: Literal["invoice_paid"] = "invoice_paid"
    invoice_id: str
    payment_id: str
    amount_cents: int
    currency: str = "CAD"
    taken_back: tuple[PaymentReversed | PaymentRefunded, ...] = ()


class AgencyLinked(Fact):
    """An agency confirms a link, alive from *since* on."""

    kind: Literal["agency_linked"] = "agency_linked"
    link_id: str
    permit: PermitNumber
    since: date


class AgencyUnlinked(Fact):
    """A link ends: *until* is its first day without effect; or it is refused."""

    kind: Literal["agency_unlinked"] = "agency_unlinked"
    link_id: str
    until: date
    text_id: str | None = None  # why, in the agency's words


class ExamPassed(Fact):
    """The exam body transmits a passed exam."""

    kind: Literal["exam_passed"] = "exam_passed"
    result_id: str
    passed_on: date


class PermitChanged(Fact):
    """An agency's permit begins or ceases to be valid on *effective_on*."""

    kind: Literal["permit_changed"] = "permit_changed"
    permit: PermitNumber
    valid: bool
    effective_on: date


class LetterBounced(Fact):
    """A letter came back after the relay had taken it."""

    kind: Literal["letter_bounced"] = "letter_bounced"
    letter_key: str


class ProofPurpose(StrEnum):
    """What a mailbox is asked to prove, by the notice of the letter that asks it."""

    ADDRESS = "address_to_confirm"
    TAKE_BACK = "take_back_asked"


class ProofAsked(Fact):
    """Somebody signed in must show that a mailbox is theirs, by a link sent to it.

    The wish was kept as *text_id*: of an address, the one to write to.
    """

    kind: Literal["proof_asked"] = "proof_asked"
    purpose: ProofPurpose
    text_id: str


class AddressChanged(Fact):
    """The person's address changed; the one before was kept as *text_id*."""

    kind: Literal["address_changed"] = "address_changed"
    text_id: str


class NameCorrected(Fact):
    """An officer corrected the person's name, in the records alone, which keep why.

    Each of the person's dossiers is told; one of them *writes* the letter.
    """

    kind: Literal["name_corrected"] = "name_corrected"
    by: str
    text_id: str
    writes: bool = False


class ResultAsked(Fact):
    """Another dossier asks this expired one for its exam result."""

    kind: Literal["result_asked"] = "result_asked"
    by: DossierNumber
    request_id: str


class ResultAnswered(Fact):
    """The expired dossier answers; no *exam* means that it has none to give now."""

    kind: Literal["result_answered"] = "result_answered"
    request_id: str
    exam: Exam | None
    findings: tuple[Finding, ...] = ()


class ResultTaken(Fact):
    """The result promised has its new home."""

    kind: Literal["result_taken"] = "result_taken"
    by: DossierNumber


class ResultReturned(Fact):
    """The result promised is not taken after all."""

    kind: Literal["result_returned"] = "result_returned"
    by: DossierNumber


AnyFact = Annotated[
    EmailReceived
    | InvoicePaid
    | PaymentReversed
    | PaymentRefunded
    | RefundRefused
    | AgencyLinked
    | AgencyUnlinked
    | ExamPassed
    | PermitChanged
    | LetterBounced
    | ProofAsked
    | AddressChanged
    | NameCorrected
    | ResultAsked
    | ResultAnswered
    | ResultTaken
    | ResultReturned,
    Field(discriminator="kind"),
]
FACTS: TypeAdapter[AnyFact] = TypeAdapter(AnyFact)


# ---------------------------------------------------------------------------- letters


class LetterOrder(Message):
    """A notice to be written: what it says in dates and ids; names come from records.

    *key* is the identity of the letter at every attempt. A letter with a *cause* (the
    key of a duty) is withdrawn when that duty is no longer on the agenda; its row is
    made by the effect that sends it.
    """

    key: str
    dossier: DossierNumber
    notice: str
    occurred_at: datetime
    cause: str | None = None
    useless_at: datetime | None = None
    happened_on: date | None = None  # the day it speaks of, if not that of the order
    link_id: str | None = None
    echeance: date | None = None
    act_before: date | None = None
    invoice_id: str | None = None
    certificate: DossierNumber | None = None
    missing: tuple[Item, ...] = ()
    findings: tuple[Finding, ...] = ()
    ground: Condition | None = None
    remaining: tuple[str, ...] = ()
    text_id: str | None = None
    corrected: str | None = None
    expiry_corrected: bool = False
    amount_cents: int | None = None
    amount_confirmed: bool = True
    replaces: str | None = None  # the invoice whose amount no longer holds
    received_cents: int | None = None  # money that was not what was asked
    received_currency: str | None = None
    next_due_at: datetime | None = None  # of the dossier, once a reminder has left
    term_start: date | None = None  # of the term whose certificate is printed again
    edition: int | None = None  # the copy made for this order, noted once it is kept
    copy_of: str | None = None  # the key of the letter that is sent once more
    copy_of_on: date | None = None  # the civil day of that one


# ------------------------------------------------------ commands, asked by updates


class Command(Message):
    """Something a person asks; may be refused at once, with a reason.

    *by* is a pseudonymous id of who asks, never a name. *text_id* names a text kept in
    the database, since no free text enters a workflow.
    """

    command_id: str
    by: str
    text_id: str | None = None


class RequestTransfer(Command):
    """Ask for the exam result of an expired certificate: the web twin of the e-mail."""

    kind: Literal["request_transfer"] = "request_transfer"
    certificate: DossierNumber


class RequestLink(Command):
    """Declare an agency; the agency must confirm."""

    kind: Literal["request_link"] = "request_link"
    link_id: str
    permit: PermitNumber


class RemindAgency(Command):
    """Have the agency of a link that still waits for its answer written to again."""

    kind: Literal["remind_agency"] = "remind_agency"
    link_id: str


class Decision(StrEnum):
    """What an officer may decide on a task."""

    EXAMINE_AGAIN = "examine_again"  # identity confirmed or a fact corrected
    INTEND_TO_REFUSE = "intend_to_refuse"
    REFUSE = "refuse"
    SETTLE = "settle"


class Decide(Command):
    """Settle a task; a refusal comes only after notice and observations."""

    kind: Literal["decide"] = "decide"
    task_id: str
    decision: Decision


class Correctable(StrEnum):
    """The facts an officer may correct, with a reason."""

    EXAM_PASSED_ON = "exam_passed_on"
    ECHEANCE = "echeance"
    LINK_SINCE = "link_since"
    LINK_UNTIL = "link_until"


class Correct(Command):
    """Replace a wrong date."""

    kind: Literal["correct"] = "correct"
    what: Correctable
    value: date
    link_id: str | None = None


class Observe(Command):
    """Comment on an intended refusal; the text is kept in the database."""

    kind: Literal["observe"] = "observe"


class Resend(Command):
    """Send a letter once more to the present address; *letter* as it was ordered."""

    kind: Literal["resend"] = "resend"
    letter: LetterOrder


class Reissue(Command):
    """Have a certificate printed again, for a reason that the person will read.

    *term_start* is the first day of its term; without one, of the last term.
    """

    kind: Literal["reissue"] = "reissue"
    term_start: date | None = None


class Cancel(Command):
    """Close the dossier for good, on the person's wish."""

    kind: Literal["cancel"] = "cancel"


AnyCommand = Annotated[
    RequestTransfer
    | RequestLink
    | RemindAgency
    | Decide
    | Correct
    | Observe
    | Resend
    | Reissue
    | Cancel,
    Field(discriminator="kind"),
]


class Refusal(StrEnum):
    """Why a command cannot be taken; worded in French and English in api/errors.py."""

    WRONG_PHASE = "wrong_phase"
    REQUEST_ALREADY_OPEN = "request_already_open"
    SAME_NUMBER = "same_number"
    UNKNOWN_TASK = "unknown_task"
    NOT_FOR_THIS_TASK = "not_for_this_task"
    OBSERVATIONS_STILL_OPEN = "observations_still_open"
    UNKNOWN_LINK = "unknown_link"
    LINK_ALREADY_THERE = "link_already_there"
    LINK_ANSWERED = "link_answered"
    REMINDED_LATELY = "reminded_lately"
    NOTHING_TO_CORRECT = "nothing_to_correct"
    ABSURD_DATE = "absurd_date"
    NO_CERTIFICATE_IN_TERM = "no_certificate_in_term"
    LETTER_NO_LONGER_TRUE = "letter_no_longer_true"
    LETTER_OUT_OF_ITS_WINDOW = "letter_out_of_its_window"
    LETTER_OF_ANOTHER_ADDRESS = "letter_of_another_address"
    UNKNOWN_DOSSIER = "unknown_dossier"


# ------------------------------------------------------------- what effects are given


class Posted(StrEnum):
    """How the sending of a letter ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # 5xx: the address does not work
    UNKNOWN = "unknown"  # lost after the end of the message, and no relay log
    SKIPPED = "skipped"  # useless by now
    NO_ADDRESS = "no_address"  # nobody to write to


class Entry(Message):
    """One line of the timeline: what, when for the dossier, by whom, why."""

    what: str
    at: datetime
    by: str
    detail: dict[str, str] = {}
    text_id: str | None = None


class DecisionMade(Message):
    """A yes or no with its conditions, the policy it used, and who said it."""

    decision_id: str
    decided: Literal["accepted", "intended_refusal", "refused"]
    by: str  # "rule" or the officer's id
    at: datetime
    policy_version: str
    findings: tuple[Finding, ...]
    ground: Condition | None = None
    text_id: str | None = None


class TaskOpened(Message):
    """A task for the staff queue."""

    task_id: str
    reason: str
    due_on: date
    about: str | None = None  # the fact, letter or request it concerns


class PaymentJudged(Message):
    """What a dossier made of a capture: it pays an invoice, or counts for nothing."""

    payment_id: str
    applied: bool
    why: str | None = None


class RefundOrdered(Message):
    """Money to give back in full, once for each *key*."""

    key: str
    payment_id: str
    amount_cents: int
    currency: str
    why: str


class Told(Message):
    """A fact this dossier tells another."""

    to: DossierNumber
    fact: AnyFact


class Record(Message):
    """All that one turn of the story changed, kept in one transaction.

    *version* grows by one a record: a late retry never puts a row back.
    """

    dossier: Dossier
    phase: Phase
    version: int
    at: datetime
    policy_version: str
    next_due_at: datetime | None
    settled: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    letters: tuple[LetterOrder, ...] = ()
    decisions: tuple[DecisionMade, ...] = ()
    tasks_opened: tuple[TaskOpened, ...] = ()
    tasks_closed: tuple[str, ...] = ()
    tasks_escalated: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    withdrawn: tuple[str, ...] = ()  # keys of letters that must not leave any more
    payments: tuple[PaymentJudged, ...] = ()
    refunds: tuple[RefundOrdered, ...] = ()


class CertificateQuestion(Message):
    """Whose is this certificate?"""

    asked_by: DossierNumber
    certificate: DossierNumber


class CertificateAnswer(StrEnum):
    """Told to staff only; the person hears the same words unless it is the first."""

    SAME_PERSON = "same_person"
    OTHER_PERSON = "other_person"
    UNKNOWN = "unknown"


class ResultMove(Message):
    """Give an exam result its new home, if it is still where we think it is."""

    result_id: str
    from_dossier: DossierNumber
    to_dossier: DossierNumber


class CertificateClaim(Message):
    """Issue the certificate of a dossier's first term, once."""

    dossier: DossierNumber
    kind: Kind
    start: date
    echeance: date


class FactsSetAside(Message):
    """Facts for a number that no dossier bears: a person must look."""

    number: str
    fact_ids: tuple[str, ...]
    at: datetime


class PolicyQuestion(Message):
    """Which values are in force?"""

    kind: Kind
    on: date


# ----------------------------------------------------------------- state and answers


class Story(Message):
    """All that a run hands to the next one; also what the database can rebuild."""

    dossier: Dossier
    policy: Policy
    phase: Phase
    version: int = 0
    seen: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    letters: tuple[LetterOrder, ...] = ()


class Start(Message):
    """The argument of a run: a number alone when the database knows the rest."""

    number: DossierNumber
    story: Story | None = None
    waiting: tuple[
        Annotated[AnyFact | AnyCommand, Field(discriminator="kind")], ...
    ] = ()


class StateView(Message):
    """Where a dossier stands, as its workflow sees it at *as_of*."""

    number: DossierNumber
    phase: Phase
    as_of: datetime
    version: int
    policy_version: str
    dossier: Dossier
    next_due_at: datetime | None
    letters_on_their_way: tuple[str, ...]
    facts_waiting: int


class DutyView(Message):
    """One line of "what happens next"."""

    key: str
    act: str
    notice: str | None
    due_at: datetime
    due_on: date
    settled: bool
    source: str


class Explanation(Message):
    """Each condition of the present answer."""

    phase: Phase
    findings: tuple[Finding, ...]
    last_day: date | None = None
