"""What enters Temporal is sealed with keys of ours; what is not sealed is refused.

No name and no address enters Temporal in any case; sealed, it keeps no date either. The
first key seals, the others only open what was sealed before. A payload of a dossier is
bound to it: moved to another one it does not open.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from rules.numbers import parse_dossier_number

SEALED = b"binary/sealed"
_NONCE_BYTES = 12


class NotSealed(ValueError):  # noqa: N818 - named as an alert says it
    """A payload in clear, from a process that does not seal."""


class KeyGone(LookupError):  # noqa: N818 - named as an alert says it
    """A payload sealed with a key that is not given any more."""


class SealBroken(ValueError):  # noqa: N818 - named as an alert says it
    """A payload that was changed, or that belongs to another workflow."""


PROBLEMS = frozenset(kind.__name__ for kind in (NotSealed, KeyGone, SealBroken))
"""The types of failures that these leave in Temporal; each names its key."""


@dataclass(frozen=True, slots=True)
class Seals(PayloadCodec, WithSerializationContext):
    """Seals and opens payloads (AES-256-GCM); *owner* is their dossier, if any.

    *keys* are 32 bytes each, by their ids; the first one is in use.
    """

    keys: Mapping[str, bytes]
    owner: str = ""

    def with_context(self, context: SerializationContext) -> Self:
        """Bind what is sealed from here on to the dossier it belongs to."""
        match context:
            case WorkflowSerializationContext() | ActivitySerializationContext():
                return replace(self, owner=_dossier(context.workflow_id or ""))
        return self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal each payload, whatever it holds."""
        return [self._sealed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open each payload; raises NotSealed, KeyGone or SealBroken."""
        return [self._opened(payload) for payload in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        name, key = next(iter(self.keys.items()))
        nonce = os.urandom(_NONCE_BYTES)
        data = AESGCM(key).encrypt(
            nonce, payload.SerializeToString(), self._bound_to(name)
        )
        return Payload(
            metadata={"encoding": SEALED, "key": name.encode()}, data=nonce + data
        )

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != SEALED:
            raise NotSealed("a payload in clear: a process runs without our keys")
        name = payload.metadata.get("key", b"").decode("utf-8", "replace")
        key = self.keys.get(name)
        if key is None:
            raise KeyGone(f"a payload is sealed with key {name}, which is not given")
        nonce, data = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            opened = AESGCM(key).decrypt(nonce, data, self._bound_to(name))
        except (InvalidTag, ValueError):
            raise SealBroken(f"a payload of key {name} does not open here") from None
        return Payload.FromString(opened)

    def _bound_to(self, name: str) -> bytes:
        return f"{name}\n{self.owner}".encode()


def _dossier(workflow_id: str) -> str:
    """Name the dossier whose story it is; empty for any other workflow.

    A schedule hands what one of its runs left to the next, which has another id.
    """
    try:
        return parse_dossier_number(workflow_id)
    except ValueError:
        return ""


# ------------------------------------------------------------------ which are in use


async def keys_in_use(client: Client) -> Mapping[str, int]:
    """Count the runs that need each key, the closed ones that are kept included.

    It reads every history: minutes.
    """
    count = Counter[str]()
    async for run in client.list_workflows():
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        history = await handle.fetch_history()
        count.update({name for event in history.events for name in _keys_in(event)})
    return count


def _keys_in(message: Message) -> Iterator[str]:
    """Name the keys of all payloads in a message of Temporal's."""
    for payload in payloads_in(message):
        if payload.metadata.get("encoding") == SEALED:
            yield payload.metadata.get("key", b"").decode("utf-8", "replace")


def payloads_in(
    message: Message, passing_over: frozenset[str] = frozenset()
) -> Iterator[Payload]:
    """Find the payloads in a message of Temporal's, but for those in some fields."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None and field.name not in passing_over:
            for each in messages_in(value):
                yield from payloads_in(each, passing_over)


def messages_in(value: object) -> Iterator[Message]:
    """Find the messages that a field of a message holds: one, a list or a map."""
    if isinstance(value, Message):
        yield value
    elif isinstance(value, Mapping):
        yield from (each for each in value.values() if isinstance(each, Message))
    elif isinstance(value, Sequence):
        yield from (each for each in value if isinstance(each, Message))
