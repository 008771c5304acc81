"""What the law must know of one person's file: dates and numbers, never a name."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from rules.numbers import DossierNumber, PermitNumber
from rules.reasons import Condition, Finding


class Kind(StrEnum):
    """The kinds of certificate; a kind is a table of policy."""

    CAR = "CAR"  # représentant d'agent de recouvrement


class Phase(StrEnum):
    """Where a dossier stands, in the Office's own sense."""

    EXAM_AWAITED = "exam_awaited"
    IN_REVIEW = "in_review"
    TO_FINALIZE = "to_finalize"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CLOSED = "closed"


class Operation(StrEnum):
    """What a fee is paid for."""

    ISSUE = "issue"
    RENEWAL = "renewal"


class Item(StrEnum):
    """What a request to transfer an exam result must hold (OPC, certificat expiré)."""

    NEW_DOSSIER = "new_dossier"
    EXPIRED_CERTIFICATE = "expired_certificate"
    WISH = "wish"


class Stage(StrEnum):
    """How far the examination of a request has come."""

    ITEMS_MISSING = "items_missing"
    TO_EXAMINE = "to_examine"
    ASKED = "asked"  # the expired dossier has been asked for the result
    ANSWERED = "answered"
    WITH_STAFF = "with_staff"
    NOTICE_GIVEN = "notice_given"  # intended refusal told; observations may come


class EndReason(StrEnum):
    """Why a dossier is closed."""

    CANCELLED = "cancelled"
    RESULT_MOVED = "result_moved"
    UNKNOWN_NUMBER = "unknown_number"


@dataclass(frozen=True, slots=True)
class Takeover:
    """The expired certificate from which this dossier holds its exam result."""

    certificate: DossierNumber
    echeance: date
    linked_at_echeance: bool
    last_linked_on: date | None
    ground: Condition | None = None


@dataclass(frozen=True, slots=True)
class Exam:
    """A passed exam whose result lives in this dossier since *here_since*."""

    result_id: str
    passed_on: date
    here_since: date
    takeover: Takeover | None = None


class VoidReason(StrEnum):
    """Why an invoice can no longer be paid, or its payment no longer counts."""

    REPLACED = "replaced"  # another one took its place
    PAID_OTHERWISE = "paid_otherwise"  # another one of the same operation was paid
    EXAM_LAPSED = "exam_lapsed"
    RENEWAL_OVER = "renewal_over"
    DOSSIER_CLOSED = "dossier_closed"
    REVERSED = "reversed"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Capture:
    """Money taken: the instant of capture decides, not that of its telling."""

    payment_id: str
    captured_at: datetime
    amount_cents: int
    reversed_on: date | None = None
    refunded_cents: int = 0


@dataclass(frozen=True, slots=True)
class Invoice:
    """What is asked for one operation; *renews* is the échéance it would move.

    *asked_cents* is the fee of the day of asking; *replaces* names the invoice whose
    amount no longer held. *void_on* is the first day without effect.
    """

    invoice_id: str
    operation: Operation
    asked_on: date
    renews: date | None = None
    paid: Capture | None = None
    void_on: date | None = None
    asked_cents: int | None = None
    replaces: str | None = None
    void_why: VoidReason | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its payment."""
        return self.paid is None and self.void_on is None

    @property
    def is_paid(self) -> bool:
        """Whether its payment still counts."""
        paid = self.paid
        return paid is not None and paid.reversed_on is None and self.void_on is None


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of validity, half-open: [start, echeance)."""

    start: date
    echeance: date
    invoice_id: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A contractual link; alive from *since* to the day before *until*.

    *reminded_at* is the instant of the person's last reminder to a silent agency.
    """

    link_id: str
    permit: PermitNumber
    asked_on: date | None = None
    since: date | None = None
    until: date | None = None
    refused_on: date | None = None
    reminded_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the agency has not answered yet."""
        return self.since is None and self.refused_on is None


@dataclass(frozen=True, slots=True)
class PermitChange:
    """An agency's permit begins or ceases to be valid on a day."""

    permit: PermitNumber
    valid: bool
    effective_on: date


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A wish to have the exam result of an expired certificate moved here."""

    request_id: str
    asked_on: date
    stage: Stage
    certificate: DossierNumber | None = None
    missing: tuple[Item, ...] = ()
    complete_by: date | None = None
    observe_until: date | None = None
    observed: bool = False
    identity_confirmed: bool = False  # by an officer, when two files name two persons
    found: Exam | None = None  # what the expired dossier answered
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """Something only a person can settle, due on a day."""

    task_id: str
    reason: str
    due_on: date
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """The dossier is closed since *on*."""

    reason: EndReason
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that was told and decided about one file; every phase follows from it."""

    number: DossierNumber
    kind: Kind
    opened_on: date
    exam: Exam | None = None
    result_promised_to: DossierNumber | None = None
    request: TransferRequest | None = None
    terms: tuple[Term, ...] = ()
    links: tuple[Link, ...] = ()
    permit_changes: tuple[PermitChange, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    tasks: tuple[Task, ...] = ()
    ending: Ending | None = None

    @property
    def echeance(self) -> date | None:
        """The first day without validity of the last term, if there is one."""
        return self.terms[-1].echeance if self.terms else None

    def invoice(self, invoice_id: str) -> Invoice | None:
        """Find an invoice of this dossier."""
        return next((i for i in self.invoices if i.invoice_id == invoice_id), None)

    def open_invoice(self, operation: Operation) -> Invoice | None:
        """Find the invoice of an operation that still waits for its payment."""
        return next(
            (i for i in self.invoices if i.operation is operation and i.is_open),
            None,
        )

    def with_invoice(self, invoice: Invoice) -> "Dossier":
        """Put an invoice in the place of the one with its id, or add it."""
        if self.invoice(invoice.invoice_id) is None:
            return replace(self, invoices=(*self.invoices, invoice))
        return replace(
            self,
            invoices=tuple(
                invoice if i.invoice_id == invoice.invoice_id else i
                for i in self.invoices
            ),
        )

    def link(self, link_id: str) -> Link | None:
        """Find a link of this dossier."""
        return next((link for link in self.links if link.link_id == link_id), None)

    def with_link(self, link: Link) -> "Dossier":
        """Put a link in the place of the one with its id, or add it."""
        if self.link(link.link_id) is None:
            return replace(self, links=(*self.links, link))
        return replace(
            self,
            links=tuple(link if x.link_id == link.link_id else x for x in self.links),
        )

    def with_task(self, task: Task) -> "Dossier":
        """Add a task unless the same one is open."""
        if any(t.task_id == task.task_id for t in self.tasks):
            return self
        return replace(self, tasks=(*self.tasks, task))

    def without_task(self, task_id: str) -> "Dossier":
        """Take a settled task away."""
        return replace(self, tasks=tuple(t for t in self.tasks if t.task_id != task_id))
