"""Is a message one that came before, by whatever door and under whatever trace?"""

import re
from binascii import a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Mail

# The lines that the parser takes for headers: a message may leave out the blank line
# after them, and what servers write above them is no part of what it says.
_HEADERS = re.compile(rb"(?:(?:From |[!-9;-~]*:|[\t ])[^\r\n]*(?:\r\n|\r|\n))*+")
# What a server adds or takes away when it encodes a body anew, or stores it in a file
# of many messages.
_CHANGED_ON_THE_WAY = re.compile(
    rb"^(?:content-transfer-encoding:[^\r\n]*|>(?=from ))", re.IGNORECASE | re.MULTILINE
)
_BLOCK_BYTES = 256 * 1024
_WHITE = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a message from every other one.

    *mail_id* is the hash of its bytes. *body_hash* covers what no server changes on the
    way, whoever carried it; without a Message-ID there is none, and only the same bytes
    are the same message.
    """

    mail_id: str
    message_id: str | None = None
    body_hash: str | None = None

    @classmethod
    def of(
        cls, raw: bytes, *, message_id: str | None, sender: str | None, subject: str
    ) -> "Identity":
        """Work out the identity of a message whose headers were read."""
        mail_id = sha256(raw).hexdigest()
        if message_id is None:
            return cls(mail_id)
        # The subject counts: it may hold the only number, and servers only fold it.
        said = (message_id, sender or "", "".join(subject.split()))
        hashed = sha256("".join(f"{each}\0" for each in said).encode())
        for text in _what_it_says(raw):
            hashed.update(text)
        return cls(mail_id, message_id, hashed.hexdigest())

    @property
    def _lock(self) -> int:
        digest = bytes.fromhex(self.body_hash or self.mail_id)
        return int.from_bytes(digest[:8], signed=True)

    async def first(self, session: AsyncSession) -> str | None:
        """Count one more copy and name the first one; None if this is the first.

        Until the caller's transaction ends, nobody else is told that theirs is.
        """
        await session.execute(select(func.pg_advisory_xact_lock(self._lock)))
        first = (
            select(Mail.mail_id)
            .where(self._same())
            .order_by(Mail.received_at, Mail.mail_id)
            .limit(1)
        )
        counted = (
            update(Mail)
            .where(Mail.mail_id == first.scalar_subquery())
            .values(copies=Mail.copies + 1)
            .returning(Mail.mail_id)
        )
        return await session.scalar(counted)

    def _same(self) -> ColumnElement[bool]:
        same_bytes = Mail.mail_id == self.mail_id
        if self.body_hash is None:
            return same_bytes
        return or_(
            same_bytes,
            and_(Mail.message_id == self.message_id, Mail.body_hash == self.body_hash),
        )


def _what_it_says(raw: bytes) -> Iterator[bytes]:
    """Yield the body without what changes on the way: white space and encoding.

    Block by block, each of whole lines: a copy of a large body would weigh as much.
    """
    headers = _HEADERS.match(raw)
    start = headers.end() if headers else 0
    while start < len(raw):
        end = raw.rfind(b"\n", start, start + _BLOCK_BYTES) + 1
        block = raw[start : end or start + _BLOCK_BYTES]
        start += len(block)
        yield a2b_qp(_CHANGED_ON_THE_WAY.sub(b"", block)).translate(None, _WHITE)
