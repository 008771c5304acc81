"""The shape of every answer of the law: each condition, whether it is met, and why."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

# Answers, drawn once:
#
#   Verdict
#   ├── Allowed      every condition needed is met; the machine may say yes
#   └── NotAllowed   the rule does not say yes. This is NOT a refusal: only a person
#                    refuses, after notice and observations (J-3 s. 5; s. 65.2)


@dataclass(frozen=True, slots=True)
class Citation:
    """
    Where a rule comes from; shown to people, so it is data and not a comment.

    *section* is that of a law, or the key of a page. *read_on* is the date of the
    version that was read; where it bears none, the day of reading.
    """

    text: str
    section: str
    read_on: date


class Condition(StrEnum):
    """A condition of the law, by the key under which letters and pages word it."""

    EXAM_RESULT_IS_HERE = "exam_result_is_here"
    CERTIFICATE_HAS_ENDED = "certificate_has_ended"
    RESULT_IS_FREE = "result_is_free"
    SAME_PERSON = "same_person"
    LINKED_AT_ECHEANCE = "linked_at_echeance"
    EXAM_STILL_VALID = "exam_still_valid"
    LINKED_WITHIN_TWO_YEARS = "linked_within_two_years"
    INVOICE_PAID = "invoice_paid"
    AGENCY_LINKED = "agency_linked"
    BEFORE_THE_LIMIT = "before_the_limit"
    TERM_IS_RUNNING = "term_is_running"


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition, its answer, and the civil date on which the answer turns.

    *met* is None while the answer is still awaited. *turns_on* is the last day on
    which the condition can be met, or the day on which it was.
    """

    condition: Condition
    met: bool | None
    source: Citation
    turns_on: date | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """The rule says yes, by *ground*."""

    ground: Condition
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The rule does not say yes; a person must look."""

    findings: tuple[Finding, ...]


Verdict = Allowed | NotAllowed

EXPIRY_PAGE = Citation("OPC, certificat expiré", "S1", date(2022, 5, 12))
RENEWAL_PAGE = Citation("OPC, renouveler", "S2", date(2024, 7, 15))
EXAM_PAGE = Citation("OPC, exam", "S3", date(2021, 5, 3))
APPLICATION_PAGE = Citation("OPC, application-regular", "S4", date(2021, 1, 6))
SERVICE_PAGE = Citation("OPC, gestion du certificat", "S5c", date(2022, 5, 13))
STOPPAGE_PAGE = Citation("OPC, work-stoppage", "S6b", date(2021, 5, 3))
COUNSELLOR_PAGE = Citation("OPC, conseiller, expiration", "S10", date(2026, 11, 24))
DELAYS = Citation("P-40.1", "s. 269", date(2026, 11, 24))
NOTICE_BEFORE_REFUSAL = Citation("J-3", "s. 5", date(2023, 12, 1))
AUTOMATED_DECISION = Citation("A-2.1", "s. 65.2", date(2024, 3, 25))
OUR_POLICY = Citation("our policy, not law", "9b", date(2026, 11, 24))
