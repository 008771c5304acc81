"""Which messages are a provider's: signed over their raw bytes, and not old."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

from payments.events import BadEvent

OLDEST = timedelta(seconds=300)
"""A message farther than this from now, either way, is not believed."""

_LONGEST_ID = 200
_AT = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 16


class BadSignature(ValueError):  # noqa: N818 - named as the caller is told
    """A message is not signed by the provider, or is more than 300 s old or ahead."""


def keys_in(setting: str) -> tuple[str, ...]:
    """Read the keys of a setting: two while one takes the place of the other."""
    return tuple(key for part in setting.split(",") if (key := part.strip()))


def verify_standard(
    body: bytes, headers: Mapping[str, str], keys: Sequence[str]
) -> str:
    """
    Believe a message signed as Standard Webhooks says, by any of *keys*.

    Returns its id. Raises BadSignature; BadEvent for a believed one without an id.
    """
    if not any(_is_signed(body, headers, key) for key in keys):
        raise BadSignature("no signature of the provider")
    message_id = headers["webhook-id"]
    if not message_id.isascii() or len(message_id) > _LONGEST_ID:
        raise BadEvent("webhook-id")
    return message_id


def _is_signed(body: bytes, headers: Mapping[str, str], key: str) -> bool:
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a header or a body that is no text at all.
        return False
    return True


def verify_stripe(
    body: bytes, header: str, keys: Iterable[str], *, now: datetime | None = None
) -> None:
    """
    Believe a message signed as Stripe does, "t=…,v1=…", by any of *keys*.

    The HMAC-SHA256 covers the instant, a dot and the raw bytes; while a key is being
    replaced the header bears a signature of each. Raises BadSignature.
    """
    told = [part.partition("=") for part in header.split(",")[:_MOST_SIGNATURES]]
    at = next((value for name, _, value in told if name.strip() == "t"), "")
    if not _AT.fullmatch(at):
        raise BadSignature("no instant")
    apart = (now or datetime.now(UTC)) - datetime.fromtimestamp(int(at), UTC)
    if abs(apart) > OLDEST:
        raise BadSignature("too old, or ahead")
    signatures = [value.encode() for name, _, value in told if name.strip() == "v1"]
    ours = [sign_stripe(body, at, key).encode() for key in keys]
    # Every pair is compared: how long it takes tells nothing.
    equal = [hmac.compare_digest(own, theirs) for own in ours for theirs in signatures]
    if not any(equal):
        raise BadSignature("no signature of the provider")


def sign_stripe(body: bytes, at: str, key: str) -> str:
    """Sign as Stripe does; also what a fake of it in the tests uses."""
    return hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
