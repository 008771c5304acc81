"""How the simulated provider's messages travel: signed anew, sent until answered."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
from standardwebhooks import Webhook

from payments.simulator_files import Message, SimulatorFiles

ANSWER_LIMIT_S = 8.0
"""The longest the simulator waits for our own answer."""

GIVES_UP_AFTER = timedelta(days=3)
_LONGEST_PAUSE = timedelta(hours=1)
_LOOKS_EVERY_S = 1.0

log = logging.getLogger(__name__)


class SimulatorPost:
    """Sends what is due, one message after the other; an unanswered one comes again."""

    def __init__(self, files: SimulatorFiles, *, key: str, endpoint: str) -> None:
        self._files = files
        self._key = key
        self._endpoint = endpoint
        self._one_at_a_time = asyncio.Lock()

    async def send_for_ever(self) -> None:
        """Look for what is due, second by second, until cancelled."""
        while True:
            try:
                await self.send_due()
            except OSError as wrong:
                log.warning("messages of the simulator: %s", type(wrong).__name__)
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def send_due(self, *, first: str | None = None) -> int | None:
        """Send every message that is due; name what was answered to *first*."""
        answered = None
        async with self._one_at_a_time:
            for message in await asyncio.to_thread(self._files.messages):
                if message.due_at > datetime.now(UTC):
                    continue
                status = await self._send(message)
                if message.name == first:
                    answered = status
        return answered

    async def _send(self, message: Message) -> int | None:
        sent_at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            # Each try is signed anew: an honest one is never too old.
            "webhook-signature": Webhook(self._key).sign(
                message.message_id, sent_at, message.body
            ),
        }
        try:
            async with httpx2.AsyncClient(timeout=ANSWER_LIMIT_S) as http:
                answer = await http.post(
                    self._endpoint, content=message.body, headers=headers
                )
        except httpx2.HTTPError:
            await asyncio.to_thread(self._put_off, message, sent_at)
            return None
        if answer.is_success:
            await asyncio.to_thread(self._files.forget_message, message)
        else:
            await asyncio.to_thread(self._put_off, message, sent_at)
        return answer.status_code

    def _put_off(self, message: Message, at: datetime) -> None:
        if at - message.first_due_at > GIVES_UP_AFTER:
            log.warning("message %s is given up", message.name)
            self._files.forget_message(message)
            return
        pause = min(timedelta(seconds=2 ** min(message.tries, 12)), _LONGEST_PAUSE)
        self._files.keep_message(
            replace(message, due_at=at + pause, tries=message.tries + 1)
        )
