"""Letters as the service sends them, and an intake that answers as a test wishes."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP as AS_SENT

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.intake_door import IntakeDoor
from embedded.ports import LOOPBACK

INTAKE_ADDRESS = "infocertificat@echeance.example"
LUCE = "luce.tremblay@courriel.example"
RETURN_PATH = "retour+abc234@echeance.example"
MESSAGE_ID = "<abc234@echeance.example>"
DOSSIER = "CAR202600012345"


def a_letter(
    subject: str = f"Dossier {DOSSIER} : dernier jour",
    *,
    to: str = LUCE,
    text: str | None = "Renouvelez d'ici là.\n",
    html: str | None = None,
    message_id: str = MESSAGE_ID,
    notice: str = "reminder_0",
) -> EmailMessage:
    message = EmailMessage(policy=AS_SENT)
    message["From"] = INTAKE_ADDRESS
    message["Reply-To"] = INTAKE_ADDRESS
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message["Date"] = "Mon, 09 Nov 2026 09:00:00 -0500"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Echeance-Letter"] = notice
    if text is not None:
        message.set_content(text)
        # Where the parts are put together, it moves with the text.
        message["Content-Language"] = "fr-CA"
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return message


def send(
    smtp_port: int,
    *messages: EmailMessage,
    return_path: str = RETURN_PATH,
    rcpt_options: tuple[str, ...] = (),
) -> None:
    with smtplib.SMTP(LOOPBACK, smtp_port, timeout=10) as client:
        for message in messages:
            client.sendmail(
                return_path,
                [str(message["To"])],
                message.as_bytes(),
                rcpt_options=rcpt_options,
            )


class StandIn:
    """An intake that keeps what it is handed, or says what it is told to say."""

    def __init__(self) -> None:
        self.answer = "250 2.0.0 Kept as 4f2a"
        self.to_recipients = "250 2.1.5 OK"
        self._taken: asyncio.Queue[Envelope] = asyncio.Queue()

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self.to_recipients.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self._taken.put_nowait(envelope)
        return self.answer

    async def next(self) -> Envelope:
        async with asyncio.timeout(20):
            return await self._taken.get()

    @property
    def is_empty(self) -> bool:
        return self._taken.empty()


@asynccontextmanager
async def standing_in(port: int = 0) -> AsyncIterator[tuple[StandIn, IntakeDoor]]:
    """Take messages by LMTP in this process while the block runs."""
    intake = StandIn()
    server = await asyncio.get_running_loop().create_server(
        lambda: LMTP(intake, enable_SMTPUTF8=True), LOOPBACK, port
    )
    async with server:
        own_port = server.sockets[0].getsockname()[1]
        yield intake, IntakeDoor(own_port, INTAKE_ADDRESS)
