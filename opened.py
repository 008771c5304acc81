"""What Temporal keeps of a dossier, its seals opened: for an operator who looks."""

from collections.abc import Iterator
from datetime import UTC

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import PayloadCodec, WorkflowSerializationContext

from engine import connect
from rules.numbers import DossierNumber
from seals import SEALED, KeyGone, SealBroken, messages_in, payloads_in
from settings import Settings

_SAYS_NOTHING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    }
)
_NAMES = frozenset({"name", "signal_name", "marker_name", "message"})
_NOT_TOLD = frozenset({"task_queue", "search_attributes", "header", "retry_policy"})


async def history_told(
    settings: Settings, number: DossierNumber, run_id: str | None = None
) -> list[str]:
    """Tell a run of a dossier's story, event by event, in UTC; the last run for None.

    Workflow tasks that went well are left out. What is sealed with a key that is not
    given says which key. Raises RPCError when Temporal knows no such run, RuntimeError
    while it is away.
    """
    client = await connect(settings)
    handle = client.get_workflow_handle(number, run_id=run_id)
    context = WorkflowSerializationContext(client.namespace, number)
    codec = client.data_converter.with_context(context).payload_codec
    history = await handle.fetch_history()
    return [
        await _line(event, codec)
        for event in history.events
        if event.event_type not in _SAYS_NOTHING
    ]


async def _line(event: HistoryEvent, codec: PayloadCodec | None) -> str:
    at = event.event_time.ToDatetime(UTC).isoformat(sep=" ", timespec="milliseconds")
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
    said = [await _text(payload, codec) for payload in payloads_in(event, _NOT_TOLD)]
    parts = (*dict.fromkeys(_names_in(event)), *said)
    return "  ".join((f"{event.event_id:>5}", at, kind, *parts))


async def _text(payload: Payload, codec: PayloadCodec | None) -> str:
    if codec is not None and payload.metadata.get("encoding") == SEALED:
        try:
            [payload] = await codec.decode([payload])
        except (KeyGone, SealBroken) as why:
            return f"[{why}]"
    return payload.data.decode("utf-8", "replace")


def _names_in(message: Message) -> Iterator[str]:
    """Name what an event is about: its activity, its signal, why something failed."""
    for field, value in message.ListFields():
        if field.name in _NAMES and isinstance(value, str):
            yield value
        elif field.name not in _NOT_TOLD:
            for each in messages_in(value):
                yield from _names_in(each)
