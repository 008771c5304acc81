"""One full example of what each letter may say; every person here is invented."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from letters.facts import ConditionLine, LetterFacts, Notice

DOSSIER = "CAR202400012345"
NEW_DOSSIER = "CAR202600067890"
LAST_VALID_DAY = date(2026, 12, 9)
ECHEANCE = date(2026, 12, 10)
EXAM_LIMIT = date(2028, 11, 20)
FOLLOWED_BY_NEW_DOSSIER = frozenset(
    {
        Notice.TRANSFER_RECEIVED,
        Notice.ITEMS_MISSING,
        Notice.TRANSFER_ACCEPTED,
        Notice.TRANSFER_UNDER_REVIEW,
        Notice.INTENDED_REFUSAL,
        Notice.REFUSED,
        Notice.REQUEST_CLOSED,
        Notice.CERTIFICATE_ISSUED,
    }
)

CONDITIONS = (
    ConditionLine(key="linked_at_echeance", met=False, source="OPC, certificat expiré"),
    ConditionLine(key="exam_still_valid", met=False, source="OPC, certificat expiré"),
    ConditionLine(key="exam_result_is_here", met=True, source="OPC, exam"),
    ConditionLine(key="same_person", met=None, source="our policy, not law"),
)

_ISSUE: dict[str, Any] = {
    "amount_cents": 18000,
    "operation": "issue",
    "invoice_number": "F-2027-000123",
}
_RENEWAL: dict[str, Any] = {
    "amount_cents": 18500,
    "amount_confirmed": True,
    "operation": "renewal",
    "invoice_number": "F-2026-000456",
}
_TERM: dict[str, Any] = {"echeance": ECHEANCE, "last_valid_day": LAST_VALID_DAY}
_NEW_TERM: dict[str, Any] = {"echeance": date(2028, 12, 10)}
_AGENCY: dict[str, Any] = {
    "agency_name": "Agence de recouvrement Boréale inc.",
    "permit_number": "303456",
}

_PROOF: dict[str, Any] = {
    "act_before": date(2027, 1, 17),
    "proof_url": "https://echeance.example/fr/confirmer/"
    f"{Notice.ADDRESS_TO_CONFIRM}-9f8e7d6c.abcdefghijklmnopqrstuvwxyz234567",
}

# What each notice says besides the person and the addresses.
_SAID: dict[Notice, dict[str, Any]] = {
    Notice.ACCOUNT_DORMANT: _TERM
    | {
        "occurred_at": datetime(2026, 10, 10, 14, 12, tzinfo=UTC),
        "act_before": date(2026, 11, 30),
    },
    Notice.RENEWED: _NEW_TERM | {"remaining": ("agency",)},
    Notice.EXPIRED: _TERM
    | {
        "occurred_at": datetime(2026, 12, 10, 14, 0, tzinfo=UTC),
        "act_before": date(2028, 12, 11),
    },
    Notice.TRANSFER_RECEIVED: {"act_before": date(2028, 12, 11)},
    Notice.ITEMS_MISSING: {
        "act_before": date(2027, 2, 15),
        "missing": ("new_dossier", "wish"),
    },
    Notice.TRANSFER_ACCEPTED: _ISSUE
    | {
        "act_before": date(2028, 12, 11),
        "ground": "linked_at_echeance",
        "remaining": ("invoice", "agency"),
    },
    Notice.TRANSFER_UNDER_REVIEW: {},
    Notice.INTENDED_REFUSAL: {
        "act_before": date(2027, 2, 1),
        "conditions": CONDITIONS,
        "reason_text": "Le lien avec votre agence a pris fin en 2025.\n"
        "Votre examen date de 2022.",
    },
    Notice.REFUSED: {
        "conditions": CONDITIONS[:3],
        "reason_text": "Nous avons lu votre lettre. Elle ne montre pas de lien.",
    },
    Notice.REQUEST_CLOSED: {
        "act_before": date(2028, 12, 11),
        "missing": ("expired_certificate",),
    },
    Notice.FINALIZE: _ISSUE
    | {"act_before": EXAM_LIMIT, "remaining": ("invoice", "agency")},
    Notice.EXAM_LAPSED: {"act_before": EXAM_LIMIT},
    Notice.INVOICE: _ISSUE | {"act_before": EXAM_LIMIT},
    Notice.RECEIPT: _RENEWAL,
    Notice.REFUND_DUE: _ISSUE
    | {"reason_text": "Le paiement est arrivé après la fin de votre examen."},
    Notice.CERTIFICATE_ISSUED: _NEW_TERM | {"certificate_number": NEW_DOSSIER},
    Notice.CERTIFICATE_REISSUED: _NEW_TERM
    | {
        "edition": 2,
        "certificate_attached": True,
        "reason_text": "Votre nom était mal écrit sur le premier.",
    },
    Notice.LINK_REQUESTED: _AGENCY | {"act_before": date(2027, 1, 30)},
    Notice.LINK_REMINDER: _AGENCY | {"act_before": date(2027, 1, 30)},
    Notice.LINK_CONFIRMED: _AGENCY
    | {"act_before": EXAM_LIMIT, "remaining": ("invoice",)},
    Notice.LINK_REFUSED: _AGENCY
    | {
        "act_before": EXAM_LIMIT,
        "reason_text": "Cette personne ne travaille pas encore chez nous.",
    },
    Notice.LINK_ENDED: _AGENCY,
    Notice.SUSPENDED: _AGENCY | _NEW_TERM | {"act_before": date(2029, 1, 15)},
    Notice.REINSTATED: _AGENCY | _NEW_TERM,
    Notice.UNLINKED_TOO_LONG: {},
    Notice.CANCELLED: {"reason_text": "Vous nous avez écrit que vous partez."},
    Notice.PAYMENT_REVERSED: _ISSUE | {"act_before": EXAM_LIMIT},
    Notice.CORRECTION_MADE: _NEW_TERM
    | {
        "corrected": "exam_passed_on",
        "reason_text": "La date de l'examen était celle d'une autre séance.",
    },
    Notice.CANCELLATION_ASKED: {},
    Notice.ADDRESS_CHANGE_ASKED: {},
    Notice.ADDRESS_TO_CONFIRM: _PROOF,
    Notice.ADDRESS_CHANGED: {},
    Notice.TAKE_BACK_ASKED: _PROOF,
}


def an_example(notice: str) -> LetterFacts:
    """Build what a full letter of this kind says in an ordinary case."""
    kind = Notice(notice)
    facts = LetterFacts(
        notice=kind,
        dossier=NEW_DOSSIER if kind in FOLLOWED_BY_NEW_DOSSIER else DOSSIER,
        occurred_at=datetime(2027, 1, 15, 14, 30, tzinfo=UTC),
        person_name="Nadia Tremblay-Côté",
        expired_certificate=DOSSIER if kind in FOLLOWED_BY_NEW_DOSSIER else None,
        intake_address="infocertificat@echeance.example",
        help_address="aide@echeance.example",
        portal_url="https://echeance.example/fr/dossier",
    )
    name, _, step = kind.rpartition("_")
    if name == "reminder":
        return replace(
            facts,
            occurred_at=_days_before(LAST_VALID_DAY, int(step)),
            **_TERM,
            **_RENEWAL,
        )
    if name == "exam_ends":
        return replace(
            facts,
            occurred_at=_days_before(EXAM_LIMIT, int(step)),
            act_before=EXAM_LIMIT,
            remaining=("invoice", "agency") if int(step) > 14 else ("agency",),
            **_ISSUE,
        )
    return replace(facts, **_SAID[kind])


def _days_before(day: date, count: int) -> datetime:
    ordinal = date.fromordinal(day.toordinal() - count)
    return datetime(ordinal.year, ordinal.month, ordinal.day, 14, 5, tzinfo=UTC)


def variants() -> dict[str, LetterFacts]:
    """Build the letters whose words turn on a fact, by notice and what differs."""
    expired = an_example(Notice.EXPIRED)
    return {
        "expired--limit_unknown": replace(
            expired, act_before=None, conditions=CONDITIONS[:2]
        ),
        "expired--still_renewable": replace(
            expired, renewable_until=date(2026, 12, 14)
        ),
        "renewed--expiry_corrected": replace(
            an_example(Notice.RENEWED), remaining=(), expiry_corrected=True
        ),
        "account_dormant--no_limit": replace(
            an_example(Notice.ACCOUNT_DORMANT), act_before=None
        ),
        "items_missing--number_only": replace(
            an_example(Notice.ITEMS_MISSING),
            missing=("expired_certificate",),
            expired_certificate=None,
        ),
        "request_closed--no_limit": replace(
            an_example(Notice.REQUEST_CLOSED), act_before=None
        ),
        "refused--review_possible": replace(
            an_example(Notice.REFUSED), act_before=date(2027, 2, 15)
        ),
        "exam_lapsed--limit_unknown": replace(
            an_example(Notice.EXAM_LAPSED), act_before=None
        ),
        "invoice--renewal": replace(
            an_example(Notice.INVOICE), act_before=None, **_RENEWAL
        ),
        "invoice--replaces_another": replace(
            an_example(Notice.INVOICE),
            replaces_invoice="F-2027-000042",
            amount_confirmed=True,
        ),
        "invoice--wrong_amount": replace(
            an_example(Notice.INVOICE), received_cents=100, received_currency="CAD"
        ),
        "invoice--wrong_currency": replace(
            an_example(Notice.INVOICE), received_cents=18000, received_currency="USD"
        ),
        "certificate_issued--pdf_attached": replace(
            an_example(Notice.CERTIFICATE_ISSUED), certificate_attached=True
        ),
        "certificate_reissued--first_file": replace(
            an_example(Notice.CERTIFICATE_REISSUED),
            edition=1,
            reason_text="Votre nom n'avait pas pu être imprimé.",
        ),
        "certificate_reissued--another_last_day": replace(
            an_example(Notice.CERTIFICATE_REISSUED),
            edition=3,
            replaced_last_day=date(2028, 11, 9),
            reason_text="Le dernier jour de validité était inexact.",
        ),
        "receipt--agency_to_come": replace(
            an_example(Notice.RECEIPT),
            remaining=("agency",),
            act_before=EXAM_LIMIT,
            **_ISSUE,
        ),
        "link_confirmed--nothing_left": replace(
            an_example(Notice.LINK_CONFIRMED), remaining=(), act_before=None
        ),
        "link_reminder--late": replace(
            an_example(Notice.LINK_REMINDER), act_before=date(2027, 1, 11)
        ),
        "link_refused--no_reason": replace(
            an_example(Notice.LINK_REFUSED), act_before=None, reason_text=None
        ),
        "suspended--no_limit": replace(
            an_example(Notice.SUSPENDED),
            act_before=None,
            agency_name=None,
            echeance=None,
        ),
        "reminder_1--days_collapsed": replace(
            an_example(Notice.REMINDER_1), days_left=2, amount_confirmed=False
        ),
        "reminder_30--copy": replace(
            an_example(Notice.REMINDER_30), copy_of_on=date(2026, 11, 9)
        ),
        "refused--copy": replace(
            an_example(Notice.REFUSED), copy_of_on=date(2026, 11, 9)
        ),
        "payment_reversed--late": replace(
            an_example(Notice.PAYMENT_REVERSED), act_before=None
        ),
        "correction_made--unknown_key": replace(
            an_example(Notice.CORRECTION_MADE), corrected="anything"
        ),
        "correction_made--name": replace(
            an_example(Notice.CORRECTION_MADE),
            corrected="name",
            reason_text="Votre prénom était écrit sans accents.",
            last_valid_day=None,
            echeance=None,
        ),
        "transfer_accepted--nameless": replace(
            an_example(Notice.TRANSFER_ACCEPTED),
            person_name=None,
            amount_cents=None,
            remaining=(),
        ),
    }


def every_letter() -> dict[str, LetterFacts]:
    """Build one letter a notice, and its variants, by the name of their snapshot."""
    return {str(notice): an_example(notice) for notice in Notice} | variants()
