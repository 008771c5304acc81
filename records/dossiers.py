"""A dossier as it is stored: its facts in JSON, the status of its certificate."""

from typing import Any

from pydantic import TypeAdapter

from rules.dossier import Dossier, EndReason, Phase

LIVE_STATUSES = ("in_force", "suspended")
"""A person holds one certificate of a kind in these; the database sees to it."""

_DOSSIERS: TypeAdapter[Dossier] = TypeAdapter(Dossier)


def stored(dossier: Dossier) -> dict[str, Any]:
    """Write a dossier as the JSON of its row."""
    written: dict[str, Any] = _DOSSIERS.dump_python(dossier, mode="json")
    return written


def restored(facts: dict[str, Any]) -> Dossier:
    """Read a dossier back; raises pydantic.ValidationError for what is no dossier."""
    return _DOSSIERS.validate_python(facts)


def certificate_status(dossier: Dossier, phase: Phase) -> str:
    """Name the status of a certificate that exists, as its row says it."""
    match phase:
        case Phase.IN_FORCE | Phase.SUSPENDED | Phase.EXPIRED:
            return phase.value
        case Phase.CLOSED if dossier.ending is not None:
            moved = dossier.ending.reason is EndReason.RESULT_MOVED
            return "expired" if moved else "cancelled"
        case _:
            return "cancelled"  # its only term was undone with its payment
