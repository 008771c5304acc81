"""How a message reached us, and what of the house decides how it is read."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from settings import Settings


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
            settings.mail_authserv_id,
        )
