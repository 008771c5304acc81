"""The mail catcher: takes every letter by SMTP, shows it, answers as a relay's log."""

# A process of its own, and a small one: no Temporal, no database.

import argparse
import asyncio
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.inbox_pages import inbox_app
from embedded.letterbox import Letterbox
from embedded.ports import LOOPBACK

_MOST_BYTES = 10 * 1024 * 1024


class Catcher:
    """What the SMTP server asks when a letter is complete (aiosmtpd handler)."""

    def __init__(self, box: Letterbox) -> None:
        self._box = box

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer 250 once the letter is on the disk, 451 when it cannot be."""
        content = envelope.original_content or b""
        try:
            letter = await self._box.keep(
                content,
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
            )
        except OSError:
            return "451 4.3.0 The letter could not be kept"
        return f"250 2.0.0 Kept as {letter.id}"


async def serve(folder: Path, *, smtp_port: int, page_port: int) -> None:
    """Serve both doors on the loopback address until SIGTERM or SIGINT."""
    box = Letterbox(folder)
    catcher = Catcher(box)
    listener = await asyncio.get_running_loop().create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, data_size_limit=_MOST_BYTES),
        LOOPBACK,
        smtp_port,
    )
    pages = uvicorn.Server(
        uvicorn.Config(
            inbox_app(box),
            host=LOOPBACK,
            port=page_port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
    )
    async with listener:
        await pages.serve()


def main() -> None:
    """Read the command line and serve."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--smtp-port", type=int, required=True)
    asked.add_argument("--page-port", type=int, required=True)
    chosen = asked.parse_args()
    asyncio.run(
        serve(chosen.folder, smtp_port=chosen.smtp_port, page_port=chosen.page_port)
    )


if __name__ == "__main__":
    main()
