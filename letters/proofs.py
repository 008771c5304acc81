"""The mark in a link that only the reader of a letter knows."""

import base64
import hashlib
import hmac

_BYTES = 20
"""160 of the 256 bits: beyond guessing."""


def proof_of(text_id: str, *, secret: bytes) -> str:
    """Derive the last part of a link's address: what was asked, and its mark."""
    digest = hmac.new(secret, f"proof {text_id}".encode(), hashlib.sha256).digest()
    return f"{text_id}.{base64.b32encode(digest[:_BYTES]).decode().lower()}"


def proven(proof: str, *, secret: bytes) -> str | None:
    """Name what was asked, if *proof* is one of ours; None otherwise."""
    text_id = proof.rpartition(".")[0]
    ours = hmac.compare_digest(
        proof.encode(), proof_of(text_id, secret=secret).encode()
    )
    return text_id if ours else None
