"""The catcher's SMTP side: a relay that keeps each letter and reports its delivery."""

import asyncio
import logging
import re
from collections import defaultdict
from datetime import datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.delivery_reports import DELIVERED, Reported, delivery_report
from embedded.intake_door import IntakeDoor, is_plain
from embedded.letter_parts import head_of
from embedded.letterbox import Letterbox

MOST_BYTES = 10 * 1024 * 1024
# Reports lengthen the lines of MAIL and RCPT (RFC 3461, 5.4).
_LONGEST_COMMAND = 2048
_REPORT_OPTIONS = re.compile(r"\s(RET|ENVID|NOTIFY|ORCPT)=(\S*)", re.IGNORECASE)
_MOST_WAITING = 10_000
# No mailbox is reached in the instant in which a relay says 250; and whoever handed
# the letter over has this long to write that answer down.
_ON_ITS_WAY_S = 1.0
_LONGEST_PAUSE_S = 30.0
_MOST_ATTEMPTS = 12

_log = logging.getLogger(__name__)


class Reports:
    """Reports of delivery on their way to the intake, one after the other.

    None delays or spoils an answer to a letter; those not yet handed in when the
    process ends are lost, as some are in the world.
    """

    def __init__(self, door: IntakeDoor) -> None:
        self._door = door
        self._waiting: asyncio.Queue[tuple[float, Reported]] = asyncio.Queue(
            _MOST_WAITING
        )

    def promise(self, letter: Reported) -> None:
        """Report a little later that a letter reached its mailbox."""
        due_at = asyncio.get_running_loop().time() + _ON_ITS_WAY_S
        try:
            self._waiting.put_nowait((due_at, letter))
        except asyncio.QueueFull:
            _log.warning("too many reports wait: one is not sent")

    async def hand_in_all(self) -> None:
        """Hand in what is promised, for as long as the process lives."""
        while True:
            due_at, letter = await self._waiting.get()
            await asyncio.sleep(due_at - asyncio.get_running_loop().time())
            try:
                await self._hand_in(letter)
            except Exception:  # noqa: BLE001 - the reports behind it must go on
                _log.exception("a report could not be written")

    async def _hand_in(self, letter: Reported) -> None:
        message = delivery_report(letter, DELIVERED)
        pause_s = _ON_ITS_WAY_S
        for _ in range(_MOST_ATTEMPTS):
            answer = await self._door.hand_in(
                message, sender="", recipient=letter.return_path
            )
            if not answer.come_again:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        _log.warning("the intake takes no report: one is given up")


class Catcher:
    """What the SMTP server asks when a letter is complete (aiosmtpd handler)."""

    def __init__(self, box: Letterbox, reports: Reports | None = None) -> None:
        """Keep letters in *box*; without *reports*, none is offered."""
        self._box = box
        self._reports = reports

    async def handle_EHLO(  # noqa: N802 - the name aiosmtpd calls
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Offer reports, where they can be made."""
        session.host_name = hostname
        offered = ["250-DSN"] if self._reports else []
        return [*responses[:-1], *offered, responses[-1]]

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer 250 once the letter is on the disk, 451 when it cannot be."""
        content = envelope.original_content or b""
        return_path = envelope.mail_from or ""
        if return_path == "<>":
            return_path = ""
        try:
            letter = await self._box.keep(
                content, return_path=return_path, recipients=envelope.rcpt_tos
            )
        except OSError:
            return "451 4.3.0 The letter could not be kept"
        self._report(envelope, letter.received_at)
        return f"250 2.0.0 Kept as {letter.id}"

    def _report(self, envelope: Envelope, arrived_at: datetime) -> None:
        """Promise the report that was asked for each recipient with NOTIFY=SUCCESS."""
        return_path = envelope.mail_from or ""
        told = tuple(
            recipient
            for recipient, asked in zip(
                envelope.rcpt_tos, envelope.rcpt_options, strict=False
            )
            if "SUCCESS" in asked.upper().split(",")
        )
        if self._reports is None or not told or not is_plain(return_path):
            return
        envelope_id = next(iter(envelope.mail_options), "")
        head = head_of(envelope.original_content or b"")
        self._reports.promise(
            Reported(return_path, told, arrived_at, head, envelope_id)
        )


class Connection(SMTP):
    """One client's connection; it understands what RFC 3461 adds to MAIL and RCPT."""

    def __init__(self, catcher: Catcher) -> None:
        super().__init__(catcher, enable_SMTPUTF8=True, data_size_limit=MOST_BYTES)
        # aiosmtpd keeps one table for all connections, and each new one empties it.
        self.command_size_limits = defaultdict(lambda: _LONGEST_COMMAND)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a sender; what it calls this letter goes into its report."""
        plain, asked = _without_report_options(arg)
        before = self._at_hand().mail_from
        await super().smtp_MAIL(plain)
        if before is None and self._at_hand().mail_from is not None:
            self._at_hand().mail_options = [asked.get("ENVID", "")]

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a recipient; *rcpt_options* holds its NOTIFY at the same place."""
        plain, asked = _without_report_options(arg)
        before = len(self._at_hand().rcpt_tos)
        await super().smtp_RCPT(plain)
        if len(self._at_hand().rcpt_tos) > before:
            self._at_hand().rcpt_options.append(asked.get("NOTIFY", ""))

    def _at_hand(self) -> Envelope:
        assert self.envelope is not None  # since the connection was made
        return self.envelope


def _without_report_options(arg: str | None) -> tuple[str | None, dict[str, str]]:
    if arg is None:
        return None, {}
    asked = {name.upper(): value for name, value in _REPORT_OPTIONS.findall(arg)}
    return _REPORT_OPTIONS.sub("", arg), asked
