"""Letters, messages and tasks as they are kept, named after what became of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from records.models import Letter, Mail, TaskRow
from rules.numbers import DossierNumber
from tests.dossiers import HOLDER, TODAY, noon


def real_now() -> datetime:
    """The hour of this machine."""
    return datetime.now(UTC)


def a_letter(
    notice: str = "reminder_30",
    state: str = "accepted",
    *,
    about: str = "2026-12-10",
    dossier: DossierNumber = HOLDER,
    **says: Any,
) -> Letter:
    """A letter that fell due at noon of today, unless it says else."""
    said = {"occurred_at": noon(TODAY), "ordered": {}, "language": "fr"}
    return Letter(
        key=f"{dossier}/{about}/{notice}",
        dossier=dossier,
        notice=notice,
        state=state,
        **(said | says),
    )


def letters_of_each_state(**says: Any) -> list[Letter]:
    """One letter in each state; two skipped, since there are two reasons."""
    skipped = a_letter(state="skipped", about="no", answer="no address", **says)
    return [
        a_letter(state="accepted", about="a", **says),
        a_letter(state="delivered", about="d", **says),
        a_letter(state="bounced", about="b", **says),
        a_letter(state="refused", about="r", **says),
        a_letter(state="queued", about="q", **says),
        a_letter(state="sending", about="s", **says),
        a_letter(state="deferred", about="l", **says),
        a_letter(state="unknown", about="u", **says),
        a_letter(state="cancelled", about="c", **says),
        a_letter(state="skipped", about="k", answer="useless by now", **says),
        skipped,
    ]


def a_task(
    about: str,
    reason: str = "letter_bounced",
    *,
    due_on: date = TODAY + timedelta(days=10),
    closed_at: datetime | None = None,
    **says: Any,
) -> TaskRow:
    said: dict[str, Any] = {"opened_at": real_now(), "dossier": HOLDER}
    return TaskRow(
        task_id=f"{HOLDER}:{reason}:{about}",
        reason=reason,
        about=about,
        due_on=due_on,
        closed_at=closed_at,
        **(said | says),
    )


def a_mail(
    mail_id: str,
    outcome: str = "ignored",
    *,
    received_at: datetime | None = None,
    raw: bytes = b"Subject: Bonjour\r\n\r\nBonjour\r\n",
    **says: Any,
) -> Mail:
    said: dict[str, Any] = {
        "understood": {"subject": "Bonjour"},
        "sender": "zoe@courriel.example",
    }
    return Mail(
        mail_id=mail_id,
        raw=raw,
        outcome=outcome,
        received_at=received_at or real_now(),
        **(said | says),
    )
