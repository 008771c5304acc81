"""How a message reached us, and what of the house decides how it is read."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from intake.parts import RAW_BYTES
from settings import Settings

MOST_BYTES = RAW_BYTES
"""No door takes more: what is larger is refused, or kept by its headers only."""

MOST_RECIPIENTS = 100
"""The most recipients of one message; no less can be asked of a door (RFC 5321)."""


class Door(StrEnum):
    """The ways in."""

    LMTP = "lmtp"
    IMAP = "imap"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class House:
    """What of an installation decides how its mail is read.

    *authserv_id* is the name under which our own mail server writes
    Authentication-Results; without it no sender counts as proven.
    """

    intake_address: str
    return_address: str = ""
    mail_domain: str = ""
    authserv_id: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(
            settings.intake_address,
            settings.return_address,
            settings.mail_domain,
            settings.mail_authserv_id or None,
        )

    def takes(self, address: str) -> bool:
        """Say whether mail to *address* is ours: the intake, or a letter come back.

        Case does not count. A server may have kept a tag (local+tag@domain), and each
        letter has a return path of that form (letters.returning).
        """
        ours = (self.intake_address, self.return_address)
        return any(_bears(address, each) for each in ours)


def _bears(address: str, ours: str) -> bool:
    name, _, domain = address.casefold().rpartition("@")
    local, _, at = ours.casefold().rpartition("@")
    named = name == local or name.startswith(f"{local}+")
    return bool(local) and domain == at and named
