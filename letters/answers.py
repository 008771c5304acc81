"""What a relay's answer means for a letter."""

import re
import ssl
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from letters.plain import one_line

CLOSING = 421
"""The relay closes the connection, whatever it was asked."""

NOT_LET_IN = 530
"""The relay wants a password or TLS first: that is about us, not about a letter."""

_TEXT_LIMIT = 500
_PERMANENT = 5  # the first digit of an answer that will not change
_BUSY = frozenset({CLOSING, 450, 451, 452})
# Words decide: of class 4.7 alone, a greylisting relay speaks too.
_TOO_MANY = re.compile(
    r"\b(too (many|much|fast)|rates?|limit\w*|throttl\w*)\b", re.IGNORECASE
)


class Reply(StrEnum):
    """What the relay's answer means for a letter."""

    ACCEPTED = "accepted"  # the relay has taken responsibility; not yet delivered
    DEFERRED = "deferred"  # nothing was taken; the same letter may be tried again
    REFUSED = "refused"  # nothing was taken and nothing will be; a person must look
    UNKNOWN = "unknown"  # lost after the final dot; ask the relay before trying again


class Limit(StrEnum):
    """Whose limit we exceed, when a relay says that we send too many."""

    RELAY = "relay"  # said before it knew for whom the letter is
    DOMAIN = "domain"  # said once it knew


@dataclass(frozen=True, slots=True)
class Outcome:
    """The relay's answer: what it means, its code and its words, 500 at most."""

    state: Reply
    code: int | None
    text: str
    limit: Limit | None = None

    @property
    def leaves_the_connection_clear(self) -> bool:
        """Whether the relay answered as it should, and goes on listening."""
        digits = {Reply.ACCEPTED: 2, Reply.DEFERRED: 4, Reply.REFUSED: _PERMANENT}
        if self.code is None or self.code == CLOSING:
            return False
        return self.code // 100 == digits.get(self.state)


def answered(
    code: int, text: str, *, otherwise: Reply, whose: Limit = Limit.DOMAIN
) -> Outcome:
    """Sort an answer about a letter; *otherwise* is what a strange code means."""
    states = {2: Reply.ACCEPTED, 4: Reply.DEFERRED, _PERMANENT: Reply.REFUSED}
    state = states.get(code // 100, otherwise)
    if state is Reply.ACCEPTED and otherwise is Reply.DEFERRED:
        state = otherwise  # a 2xx before the dot accepts nothing
    if code == NOT_LET_IN:
        state = Reply.DEFERRED
    return Outcome(state, code, words(text), _limit(code, text, whose))


def deferred(error: Exception) -> Outcome:
    """Say that nothing was taken: the relay did not get to the letter."""
    code = getattr(error, "code", None)
    said = str(getattr(error, "message", None) or error) or type(error).__name__
    # A negative code is the client's own word for an answer without one.
    known = code if isinstance(code, int) and code > 0 else None
    limit = _limit(known, said, Limit.RELAY)
    return Outcome(Reply.DEFERRED, known, words(said), limit)


def words(text: str) -> str:
    """Keep what a person can read of an answer, on one line."""
    return one_line(text, limit=_TEXT_LIMIT)


def trouble(error: Exception) -> str:
    """Say what stands between us and the relay, without a word of the relay's own.

    Those may name an account.
    """
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return f"it refuses our account or password ({error.code})"
        case aiosmtplib.SMTPResponseException():
            return f"it turns us away ({error.code})"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case _:
            return words(str(error)) or type(error).__name__


def _limit(code: int | None, text: str, whose: Limit) -> Limit | None:
    return whose if code in _BUSY and _TOO_MANY.search(text) else None
