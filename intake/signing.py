"""Was a posted message signed by who holds a key of ours? (Standard Webhooks.)"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

OLDEST = timedelta(minutes=5)
"""A signature of more than this, before or after now, is not believed."""

_SCHEME = b"v1,"
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """What the three headers of a signed message say.

    The library for Standard Webhooks takes text only, and a message as it was sent may
    be any bytes: the same signature is worked out here, over the bytes.
    """

    message_id: str
    timestamp: str
    signatures: str

    def is_fresh(self, now: datetime) -> bool:
        """Say whether it is whole and of this hour, before the message itself is read.

        Both edges are in: a signature of exactly five minutes is fresh.
        """
        told = self.timestamp
        if not (self.message_id and self.signatures):
            return False
        if not (told.isascii() and told.isdecimal() and len(told) <= _DIGITS):
            return False
        return abs(int(told) - int(now.timestamp())) <= OLDEST.total_seconds()

    def covers(self, message: bytes, keys: Sequence[bytes]) -> bool:
        """Say whether *message* was signed with one of *keys*, in constant time."""
        head = f"{self.message_id}.{self.timestamp}.".encode()
        told = [each.encode() for each in self.signatures.split(" ")]
        found = False
        for key in keys:
            signed = hmac.new(key, head, "sha256")
            signed.update(message)
            ours = _SCHEME + b64encode(signed.digest())
            for theirs in told:
                found |= hmac.compare_digest(ours, theirs)
        return found
