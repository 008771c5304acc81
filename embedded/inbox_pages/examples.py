"""What people and robots write to the Office, to begin a message with."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedded.inbox_pages.words import Voice
from rules.numbers import DossierNumber

EXAMPLES = ("transfer", "disagree", "cancel", "robot")
_UNWRITTEN = "_" * 12
BLANK = f"CAR{_UNWRITTEN}"
# In these letters the subject names the certificate that ends, or has ended.
_OF_THE_OLD_CERTIFICATE = ("expired", "reminder_")


@dataclass(frozen=True, slots=True)
class Example:
    """A message to begin with; empty where no example was asked for."""

    subject: str = ""
    text: str = ""
    is_robot: bool = False


def example(
    name: str, say: Voice, *, dossier: DossierNumber | None = None, notice: str = ""
) -> Example:
    """Word an example, with the number of the letter it answers."""
    if name not in EXAMPLES:
        return Example()
    text = say(f"example.{name}", **_blanks(dossier, notice)).unescape()
    subject = say(f"example.{name}_subject").unescape()
    return Example(subject, text.lstrip("\n"), name == "robot")


def _blanks(dossier: DossierNumber | None, notice: str) -> Mapping[str, str]:
    blanks = {"new": BLANK, "expired": BLANK, "file": BLANK, "name": _UNWRITTEN}
    if dossier is None:
        return blanks
    role = "expired" if notice.startswith(_OF_THE_OLD_CERTIFICATE) else "new"
    return {**blanks, "file": dossier, role: dossier}
