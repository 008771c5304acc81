"""The envelope of a message, as the server that took it had it."""

import re

from tests.intake.messages import INTAKE, ITS_RETURN_PATH, MARIE

_RETURN_PATH = re.compile(rb"(?im)^return-path:\s*(<[^>\r\n]*>)")


def sender_of(raw: bytes) -> str:
    """Name the sender, whom the server wrote down in Return-Path."""
    found = _RETURN_PATH.search(raw)
    return found[1].decode("latin-1") if found else f"<{MARIE}>"


def recipient_of(raw: bytes) -> str:
    """Name the recipient: the intake, but for a letter that came back."""
    to_a_letter = f"To: {ITS_RETURN_PATH}".encode() in raw
    return ITS_RETURN_PATH if to_a_letter else INTAKE


def handed_on(raw: bytes) -> bytes:
    """Write above a message what one more server does, as dovecot does by itself."""
    trace = (
        f"Return-Path: {sender_of(raw)}\r\nDelivered-To: {recipient_of(raw)}\r\n"
        "Received: from client by mx.echeance.example; Fri, 15 Jan 2027 10:12:01 -0500"
    )
    return trace.encode() + b"\r\n" + raw
