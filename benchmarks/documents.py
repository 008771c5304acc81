"""Certificates printed and signed, and the public register against an empty route.

`--long` makes a thousand certificates instead of three hundred.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from documents.certificate import certificate_pdf
from embedded.passing import passing_database
from tests.api.doors import Doors
from tests.api.register import an_open_register, numbered, plant
from tests.documents.certificates import a_certificate, a_signer
from tests.dossiers import a_holder

CERTIFICATES = 1000 if "--long" in sys.argv else 300
WARM = 20
REGISTERED = 200
ROUNDS = 5
REQUESTS = 400
AT_ONCE = 8
Rows = AsyncIterator[tuple[str, str, str]]


async def documents() -> Rows:
    """Print and sign many certificates; then ask the register about some."""
    made = await asyncio.to_thread(_print_and_sign)
    each = made.printing + made.signing
    halves = f"printed in {1000 * made.printing:.0f} ms, signed in "
    halves += f"{1000 * made.signing:.0f} ms"
    yield (
        f"certificates made, {CERTIFICATES} one after the other",
        f"{1 / each:.0f} a second ({halves})",
        "",
    )
    memory = f"{made.before_mb:.0f} MB, {made.grown_mb:.1f} MB more at the end"
    yield "memory of the process that makes them", memory, "20 MB more"
    async for row in _register():
        yield row


@dataclass(frozen=True)
class Made:
    """Seconds a certificate, and memory."""

    printing: float
    signing: float
    before_mb: float
    grown_mb: float


def _print_and_sign() -> Made:
    signer = a_signer()
    for order in range(WARM):
        signer.sign(certificate_pdf(a_certificate(holder_name=f"Marc {order}")))
    before_mb, printing, signing = _resident_mb(), 0.0, 0.0
    for order in range(CERTIFICATES):
        facts = a_certificate(number=numbered(order), holder_name=f"Zoé {order}")
        begun = time.perf_counter()
        pdf = certificate_pdf(facts)
        printed = time.perf_counter()
        signer.sign(pdf)
        printing += printed - begun
        signing += time.perf_counter() - printed
    grown_mb = _resident_mb() - before_mb
    return Made(printing / CERTIFICATES, signing / CERTIFICATES, before_mb, grown_mb)


async def _register() -> Rows:
    """Ask by turns about a certificate and for nothing, of the same application."""
    with passing_database() as (url, folder):
        async with an_open_register(url, folder) as doors:
            doors.app.add_api_route("/empty", _empty)
            await _fill(doors)
            paths = [f"/api/v1/verification/{numbered(n)}" for n in range(REGISTERED)]
            rounds = [
                (await _asked(doors.app, ["/empty"]), await _asked(doors.app, paths))
                for _ in range(ROUNDS + 1)
            ][1:]
    empty, verified = (statistics.median(part) for part in zip(*rounds, strict=True))
    yield (
        "public verification against an empty route",
        f"{verified:.0f} a second, {empty / verified:.1f} times an empty one's cost",
        "",
    )


async def _empty() -> dict[str, str]:
    return {}


async def _fill(doors: Doors) -> None:
    for order in range(REGISTERED):
        echeance = doors.today + timedelta(days=order - 20)
        dossier = a_holder(echeance, number=numbered(order))
        await plant(doors, dossier, person=f"Personne {order}")


async def _asked(app: FastAPI, paths: list[str]) -> float:
    """Name how many of these requests the application answers in a second."""
    waiting = iter([paths[turn % len(paths)] for turn in range(REQUESTS)])

    async def ask_on() -> None:
        for path in waiting:
            assert await _status(app, path) == 200

    begun = time.perf_counter()
    await asyncio.gather(*(ask_on() for _ in range(AT_ONCE)))
    return REQUESTS / (time.perf_counter() - begun)


async def _status(app: FastAPI, path: str) -> int:
    """Ask without a client in between, whose cost would hide the answer's."""
    told: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return told[0]


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmRSS:")) / 1024
