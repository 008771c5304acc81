"""The letters of a story on their way: sent beside it, withdrawn when false."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.workflow import ActivityCancellationType, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from workflows import effects
    from workflows.messages import LetterOrder, Posted

UNTIL_USELESS = RetryPolicy(
    initial_interval=timedelta(seconds=10),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=15),
)
"""A relay that defers is asked again until the letter is withdrawn."""


class Postbox:
    """Holds each letter from its order to its end; the story never waits for mail.

    A certificate's legal state does not depend on a mail having left.
    """

    def __init__(self, unsent: Iterable[LetterOrder]) -> None:
        self._unsent = {order.key: order for order in unsent}
        self._sending: dict[str, ActivityHandle[Posted]] = {}
        self._ended_badly: list[tuple[LetterOrder, Posted]] = []

    @property
    def unsent(self) -> tuple[LetterOrder, ...]:
        """The letters not yet known to have left."""
        return tuple(self._unsent.values())

    @property
    def is_idle(self) -> bool:
        """Whether no attempt to send is under way."""
        return not self._sending

    @property
    def has_news(self) -> bool:
        """Whether a letter came back, and the story must note it."""
        return bool(self._ended_badly)

    def take_news(self) -> list[tuple[LetterOrder, Posted]]:
        """Hand over, once, the letters that ended otherwise than accepted."""
        news, self._ended_badly = self._ended_badly, []
        return news

    def drop(self, orders: Iterable[LetterOrder]) -> None:
        """Take in ordered letters; `send` hands them to the mail queue."""
        self._unsent |= {order.key: order for order in orders}

    def send(self) -> None:
        """Hand each letter that is not on its way to the mail queue."""
        for key, order in self._unsent.items():
            if key not in self._sending:
                self._sending[key] = self._start(order)

    def useless_next(self) -> datetime | None:
        """Name the first instant at which a letter on its way becomes useless."""
        ends = [o.useless_at for o in self._unsent.values() if o.useless_at]
        return min(ends, default=None)

    def withdraw(self, duties: set[str], now: datetime) -> tuple[LetterOrder, ...]:
        """Stop what has become false: its duty is gone, or its window is over."""
        withdrawn = tuple(
            order
            for order in self._unsent.values()
            if (order.useless_at is not None and order.useless_at <= now)
            or (order.cause is not None and order.cause not in duties)
        )
        for order in withdrawn:
            del self._unsent[order.key]
            self._stop(order.key)
        return withdrawn

    def stop(self) -> None:
        """Stop every attempt after its present one; what has not left stays unsent."""
        for key in list(self._sending):
            self._stop(key)

    def _stop(self, key: str) -> None:
        if key in self._sending:
            self._sending[key].cancel()

    def _start(self, order: LetterOrder) -> ActivityHandle[Posted]:
        handle = workflow.start_activity(
            effects.send_letter,
            order,
            task_queue=effects.MAIL,
            start_to_close_timeout=timedelta(minutes=3),
            heartbeat_timeout=effects.SENDING_IS_SILENT_FOR,
            retry_policy=UNTIL_USELESS,
            # An attempt under way is let finish: its answer must not be lost.
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=order.notice,
        )
        handle.add_done_callback(lambda _: self._done(order))
        return handle

    def _done(self, order: LetterOrder) -> None:
        handle = self._sending.pop(order.key)
        how = _how_it_ended(handle)
        if how is None:
            return
        withdrawn_meanwhile = self._unsent.pop(order.key, None) is None
        if how is not Posted.ACCEPTED and not withdrawn_meanwhile:
            self._ended_badly.append((order, how))


def _how_it_ended(handle: "ActivityHandle[Posted]") -> Posted | None:
    """Name the end of a sending; None when it was stopped before it left."""
    if handle.cancelled():
        return None
    failure = handle.exception()
    if failure is None:
        return handle.result()
    if isinstance(failure, ActivityError) and isinstance(failure.cause, CancelledError):
        return None
    return Posted.REFUSED
