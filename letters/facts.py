"""What a letter may say: one value for every notice and both languages."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class Notice(StrEnum):
    """What must be said; each has its folder of templates, named by this key."""

    REMINDER_90 = "reminder_90"
    REMINDER_60 = "reminder_60"
    REMINDER_30 = "reminder_30"
    REMINDER_14 = "reminder_14"
    REMINDER_7 = "reminder_7"
    REMINDER_1 = "reminder_1"
    REMINDER_0 = "reminder_0"
    ACCOUNT_DORMANT = "account_dormant"
    RENEWED = "renewed"
    EXPIRED = "expired"
    TRANSFER_RECEIVED = "transfer_received"
    ITEMS_MISSING = "items_missing"
    TRANSFER_ACCEPTED = "transfer_accepted"
    TRANSFER_UNDER_REVIEW = "transfer_under_review"
    INTENDED_REFUSAL = "intended_refusal"
    REFUSED = "refused"
    REQUEST_CLOSED = "request_closed"
    FINALIZE = "finalize"
    EXAM_ENDS_90 = "exam_ends_90"
    EXAM_ENDS_30 = "exam_ends_30"
    EXAM_ENDS_14 = "exam_ends_14"
    EXAM_ENDS_7 = "exam_ends_7"
    EXAM_ENDS_1 = "exam_ends_1"
    EXAM_ENDS_0 = "exam_ends_0"
    EXAM_LAPSED = "exam_lapsed"
    INVOICE = "invoice"
    RECEIPT = "receipt"
    REFUND_DUE = "refund_due"
    CERTIFICATE_ISSUED = "certificate_issued"
    CERTIFICATE_REISSUED = "certificate_reissued"
    LINK_REQUESTED = "link_requested"
    LINK_REMINDER = "link_reminder"
    LINK_CONFIRMED = "link_confirmed"
    LINK_REFUSED = "link_refused"
    LINK_ENDED = "link_ended"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    UNLINKED_TOO_LONG = "unlinked_too_long"
    CANCELLED = "cancelled"
    PAYMENT_REVERSED = "payment_reversed"
    CORRECTION_MADE = "correction_made"
    CANCELLATION_ASKED = "cancellation_asked"
    ADDRESS_CHANGE_ASKED = "address_change_asked"
    ADDRESS_TO_CONFIRM = "address_to_confirm"
    ADDRESS_CHANGED = "address_changed"
    TAKE_BACK_ASKED = "take_back_asked"


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """One condition of an answer; *met* is None while it is awaited.

    *key* is worded by conditions.toml. *source* is the text of a citation: worded by
    sources.toml where it is known there, printed as it is otherwise.
    """

    key: str
    met: bool | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """Everything a template may say; a fact that is None is unknown to the template.

    *act_before* is the last day to act, inclusive. In `expired` it is the last day to
    come back without a new exam; in `suspended`, the last day to find an agency.
    *renewable_until* is the last day, inclusive, on which a renewal still undoes an
    expiry (P-40.1 s. 269). An invoice that takes the place of another names it in
    *replaces_invoice*. *received_cents* is money that was not the fee: it counts for no
    part of it, and a person of the Office looks at it. *certificate_attached* is told
    by what is attached: see letters.compose. *edition* is which copy of the certificate
    that is, from 1; *replaced_last_day*, the last valid day that the copy before says,
    if another. A letter sent once more names in *copy_of_on* the civil day of the
    first.
    """

    notice: str
    dossier: str
    occurred_at: datetime
    person_name: str | None = None
    echeance: date | None = None
    last_valid_day: date | None = None
    days_left: int | None = None
    act_before: date | None = None
    renewable_until: date | None = None
    amount_cents: int | None = None
    amount_confirmed: bool = False
    operation: str | None = None
    invoice_number: str | None = None
    replaces_invoice: str | None = None
    received_cents: int | None = None
    received_currency: str | None = None
    agency_name: str | None = None
    permit_number: str | None = None
    certificate_number: str | None = None
    expired_certificate: str | None = None
    missing: tuple[str, ...] = ()
    conditions: tuple[ConditionLine, ...] = ()
    ground: str | None = None
    reason_text: str | None = None
    remaining: tuple[str, ...] = ()
    corrected: str | None = None
    expiry_corrected: bool = False
    certificate_attached: bool = False
    intake_address: str | None = None
    help_address: str | None = None
    portal_url: str | None = None
    edition: int | None = None
    replaced_last_day: date | None = None
    proof_url: str | None = None
    copy_of_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse a dossier that is no number and an instant without its zone."""
        if not re.fullmatch(r"[0-9A-Z]{15}", self.dossier):
            raise ValueError(f"not a dossier number: {self.dossier!r}")
        if self.occurred_at.tzinfo is None:
            raise ValueError("occurred_at must carry its zone")

    def last_day(self) -> date | None:
        """Name the last valid day: the one told, or that of the échéance."""
        if self.last_valid_day is None and self.echeance is not None:
            return self.echeance - timedelta(days=1)
        return self.last_valid_day
