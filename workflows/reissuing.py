"""A certificate is printed again: for a reason, while its term runs or is to come."""

from rules.civil_time import start_of
from rules.dossier import Term
from rules.notices import CERTIFICATE_REISSUED
from rules.standing import terms_to_print
from workflows.messages import Refusal, Reissue
from workflows.turn import Turn


def refusal_of_reissue(turn: Turn, command: Reissue) -> Refusal | None:
    """Say why a certificate is not printed again; None if it may be."""
    return None if _term(turn, command) else Refusal.NO_CERTIFICATE_IN_TERM


def reissue(turn: Turn, command: Reissue) -> None:
    """Order the letter that brings the new copy, and note why.

    Which copy it is, only the records know: it is made when the letter leaves.
    """
    term = _term(turn, command)
    assert term is not None
    turn.note(
        CERTIFICATE_REISSUED,
        command.by,
        text_id=command.text_id,
        start=term.start,
        echeance=term.echeance,
    )
    turn.write(
        CERTIFICATE_REISSUED,
        command.command_id,
        term_start=term.start,
        echeance=term.echeance,
        # What has ended meanwhile is not printed again.
        useless_at=start_of(term.echeance),
        text_id=command.text_id,
    )


def _term(turn: Turn, command: Reissue) -> Term | None:
    terms = terms_to_print(turn.dossier, turn.policy, turn.now)
    if command.term_start is None:
        return terms[-1] if terms else None
    return next((t for t in terms if t.start == command.term_start), None)
