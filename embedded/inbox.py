"""The mail catcher: takes every letter by SMTP, shows it, answers as a relay's log."""

# A process of its own, and a small one: no Temporal, no database.

import argparse
import asyncio
from pathlib import Path

import uvicorn

from embedded.catcher import Catcher, Connection, Reports
from embedded.inbox_pages.app import inbox_app
from embedded.intake_door import IntakeDoor
from embedded.letterbox import Letterbox
from embedded.ports import LOOPBACK


async def serve(
    folder: Path, *, smtp_port: int, page_port: int, door: IntakeDoor, portal_url: str
) -> None:
    """Serve both doors on the loopback address until SIGTERM or SIGINT."""
    box, reports = Letterbox(folder), Reports(door)
    catcher = Catcher(box, reports)
    listener = await asyncio.get_running_loop().create_server(
        lambda: Connection(catcher), LOOPBACK, smtp_port
    )
    pages = uvicorn.Server(
        uvicorn.Config(
            inbox_app(box, door, portal_url),
            host=LOOPBACK,
            port=page_port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
    )
    handing_in = asyncio.create_task(reports.hand_in_all())
    async with listener:
        await pages.serve()
    handing_in.cancel()


def main() -> None:
    """Read the command line and serve."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--smtp-port", type=int, required=True)
    asked.add_argument("--page-port", type=int, required=True)
    asked.add_argument("--lmtp-port", type=int, required=True)
    asked.add_argument("--intake-address", required=True)
    asked.add_argument("--portal-url", required=True)
    chosen = asked.parse_args()
    asyncio.run(
        serve(
            chosen.folder,
            smtp_port=chosen.smtp_port,
            page_port=chosen.page_port,
            door=IntakeDoor(chosen.lmtp_port, chosen.intake_address),
            portal_url=chosen.portal_url.rstrip("/"),
        )
    )


if __name__ == "__main__":
    main()
