"""Each page under fifty people at once, against an empty page of the same service.

The service runs in a process of its own, as it does in production, with live stories.
What is asked of both is asked in turns, by the same person with the same session.
"""

import asyncio
import gzip
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2

from api.pages.rendering import static
from api.stories import Stories
from benchmarks.databases import a_database
from settings import Settings
from tests.api.doors import Doors, a_port, open_doors, the_settings
from tests.api.knocking import TASK, Visitor, furnish
from tests.dossiers import HOLDER
from tests.upkeep.server import a_server
from worker import workers

PEOPLE = 50
EACH_ASKS = 4
EMPTY = "/fr/accessibilite"
"""Signed in and in its frame as any page, with nothing of its own to look up."""

PAGES = (
    ("its person", "/fr"),
    ("its person", f"/fr/verifier/{HOLDER}"),
    ("its person", f"/fr/dossier/{HOLDER}"),
    ("its person", "/fr/mes-dossiers?tous"),
    ("its person", f"/fr/dossier/{HOLDER}/agence"),
    ("its person", f"/fr/dossier/{HOLDER}/annulation"),
    ("its agency", "/fr/agence"),
    ("its agency", "/fr/agence/lien/link-2"),
    ("decider", "/fr/bureau"),
    ("decider", "/fr/bureau/chercher?q=nadia"),
    ("decider", f"/fr/bureau/dossier/{HOLDER}"),
    ("decider", f"/fr/bureau/tache/{TASK}"),
    ("decider", "/fr/bureau/liens"),
    ("decider", "/fr/bureau/courriel"),
)
_FULL, _ASKS_AGAIN_S = 503, 0.2
Rows = AsyncIterator[tuple[str, str, str]]


async def pages() -> Rows:
    """Serve a furnished service, then ask for each page and the empty one in turns."""
    async with a_database() as (url, folder), a_server() as temporal:
        address = temporal.service_client.config.target_host
        settings = the_settings(
            url,
            folder,
            address,
            ECHEANCE_VERIFICATIONS_PER_MINUTE="1000000",
            ECHEANCE_VERIFICATIONS_PER_MINUTE_OF_ALL="1000000",
        )
        async with open_doors(settings) as doors:
            await furnish(doors)
            stories, _post = workers(temporal, doors.parts.sessions, settings)
            async with stories, served(settings, address) as base:
                await Stories(temporal).begin(HOLDER)
                for reader, path in PAGES:
                    yield await compared(doors, base, reader, path)


@asynccontextmanager
async def served(settings: Settings, temporal: str) -> AsyncIterator[str]:
    """Serve the pages in a process of its own; yield the address."""
    async with a_port() as listening:
        port = listening.getsockname()[1]
    told = {
        "ECHEANCE_DATABASE_URL": settings.database_url,
        "ECHEANCE_TEMPORAL_ADDRESS": temporal,
        "ECHEANCE_DATA_DIR": str(settings.data_dir),
        "ECHEANCE_EMBEDDED": "true",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
        "ECHEANCE_MAIL_KEY": settings.mail_key.get_secret_value(),
        "ECHEANCE_VERIFICATIONS_PER_MINUTE": "1000000",
        "ECHEANCE_VERIFICATIONS_PER_MINUTE_OF_ALL": "1000000",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "uvicorn", "--factory", "api.app:create_app", "--log-level", "error"),
        *("--port", str(port)),
        env={**os.environ, **told},
        cwd=Path(__file__).parents[1],
    )
    base = f"http://127.0.0.1:{port}"
    try:
        await _until_it_answers(base)
        yield base
    finally:
        process.terminate()
        await process.wait()


async def _until_it_answers(base: str) -> None:
    async with asyncio.timeout(120), httpx2.AsyncClient() as http:
        while True:
            with suppress(httpx2.HTTPError):
                if (await http.get(f"{base}/livez")).is_success:
                    return
            await asyncio.sleep(0.1)


async def compared(
    doors: Doors, base: str, reader: str, path: str
) -> tuple[str, str, str]:
    """Ask for a page and for the empty one in turns, fifty people at once."""
    value = await Visitor(doors, reader).begin()
    cookies = {"echeance_session": value or ""}
    limits = httpx2.Limits(max_connections=PEOPLE)
    async with httpx2.AsyncClient(
        base_url=base, cookies=cookies, limits=limits, timeout=60
    ) as http:
        await _warm_up(http, path)
        empty = await _p95(http, EMPTY)
        ours = await _p95(http, path)
    shown = path.replace(HOLDER, "…")
    ratio = f"{ours / empty:.1f} ({ours * 1000:.0f} ms, {empty * 1000:.0f} ms)"
    return f"p95 of {shown}, {PEOPLE} at once, to an empty page", ratio, "at most 5"


async def weighed(doors: Doors, base: str, reader: str, path: str) -> float:
    """Weigh a first visit in kilobytes: page, stylesheet, script, compressed."""
    value = await Visitor(doors, reader).begin()
    cookies = {"echeance_session": value or ""}
    async with httpx2.AsyncClient(base_url=base, cookies=cookies, timeout=60) as http:
        answer = await http.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    parts = (answer.content, static("portal.css"), static("portal.js"))
    return sum(len(gzip.compress(part)) for part in parts) / 1000


async def _warm_up(http: httpx2.AsyncClient, path: str) -> None:
    """Have templates read and the service's connections opened, a few at a time."""
    for at_once in (1, 4, 8, 16):
        await asyncio.gather(*(http.get(path) for _ in range(at_once)))


async def _p95(http: httpx2.AsyncClient, path: str) -> float:
    async def person() -> list[float]:
        spent = []
        for _ in range(EACH_ASKS):
            begun = time.perf_counter()
            # Who is told that the service is full asks again, and has waited as long.
            answer = await http.get(path)
            while answer.status_code == _FULL:
                await asyncio.sleep(_ASKS_AGAIN_S)
                answer = await http.get(path)
            assert answer.status_code == 200, (path, answer.status_code)
            spent.append(time.perf_counter() - begun)
        return spent

    people = await asyncio.gather(*(person() for _ in range(PEOPLE)))
    ordered = sorted(each for spent in people for each in spent)
    return ordered[int(len(ordered) * 0.95)]
