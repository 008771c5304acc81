"""What a layer hands to the judge: mailbox, rows, tasks, phases, as they were found."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One message in the mailbox, with the end of its DATA on the story's clock."""

    key: str
    at: datetime
    to: str


@dataclass(slots=True)
class Seen:
    """A life as it was found once it had been lived."""

    mailbox: list[Mail] = field(default_factory=list)
    letters: dict[str, str] = field(default_factory=dict)  # key -> state of its row
    tasks: set[str] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)  # told -> state
    phases: dict[str, str] = field(default_factory=dict)
    terms: dict[str, list[tuple[date, date]]] = field(default_factory=dict)
    bounced: dict[str, datetime] = field(default_factory=dict)  # key -> told at
    trouble: list[str] = field(default_factory=list)  # what broke, in words
