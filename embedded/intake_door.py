"""The way from the inbox into the intake: LMTP, and what was answered there."""

import asyncio
import re
import smtplib
from dataclasses import dataclass
from typing import Self

from embedded.ports import LOOPBACK
from letters.plain import PLAIN_ADDRESS, one_line

# A little longer than the intake gives itself to keep a message.
_PATIENCE_S = 40.0
_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")
_KEPT, _LATER = 2, 4  # the first digit of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the intake said; no *code* where nobody answered."""

    code: int | None
    text: str

    @classmethod
    def of(cls, code: int, text: bytes | str) -> Self:
        """Read an answer as smtplib gives it."""
        words = text.decode(errors="replace") if isinstance(text, bytes) else text
        return cls(code, one_line(words, limit=500))

    @property
    def kept(self) -> bool:
        """The message is in the intake's hands."""
        return self.code is not None and self.code // 100 == _KEPT

    @property
    def come_again(self) -> bool:
        """Nothing was kept; the same message may be kept later."""
        return self.code is None or self.code // 100 == _LATER


@dataclass(frozen=True, slots=True)
class IntakeDoor:
    """Where the intake takes messages, and the address it is written to."""

    port: int
    address: str

    async def hand_in(self, message: bytes, *, sender: str, recipient: str) -> Answer:
        """Hand in one message, as a mail server does, and return the answer.

        An empty *sender* is that of robots. What the network does becomes an answer.
        """
        return await asyncio.to_thread(self._hand_in, message, sender, recipient)

    def _hand_in(self, message: bytes, sender: str, recipient: str) -> Answer:
        wire = _BARE_LINE_END.sub(b"\r\n", message)
        try:
            with smtplib.LMTP(LOOPBACK, self.port, timeout=_PATIENCE_S) as client:
                return _given(client, wire, sender, recipient)
        except smtplib.SMTPResponseException as refusal:
            return Answer.of(refusal.smtp_code, refusal.smtp_error)
        except (smtplib.SMTPException, OSError) as silence:
            return Answer(None, one_line(str(silence)) or type(silence).__name__)


def _given(client: smtplib.LMTP, wire: bytes, sender: str, recipient: str) -> Answer:
    client.ehlo_or_helo_if_needed()
    for code, text in (client.mail(sender), client.rcpt(recipient)):
        if code // 100 != _KEPT:
            return Answer.of(code, text)
    return Answer.of(*client.data(wire))


def is_plain(address: str) -> bool:
    """Say whether an address can be written to without any quoting."""
    return PLAIN_ADDRESS.fullmatch(address) is not None
