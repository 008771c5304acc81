"""A relay that takes every letter and forgets it: python -m benchmarks.sink."""

import asyncio
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """What the SMTP server asks when a letter is complete (aiosmtpd handler)."""

    async def handle_DATA(  # noqa: N802  the name aiosmtpd calls
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return "250 2.0.0 taken"


async def serve() -> None:
    """Say the port, then serve until killed."""
    server = await asyncio.get_running_loop().create_server(
        partial(SMTP, Sink(), hostname="sink.example"), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
