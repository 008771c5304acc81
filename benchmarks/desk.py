"""The desk among many dossiers: its questions against a read by primary key, its pages
under fifty officers against an empty page, and what a page weighs.

A hundred thousand dossiers; with ECHEANCE_BENCH_DESK=1000000, a million.
"""

import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from api.v1.cursors import task_cursor
from benchmarks.databases import a_database
from benchmarks.pages import compared, served, weighed
from records.agencies import unanswered_requests
from records.database import make_engine, make_sessions
from records.queries import (
    DossierFilter,
    TaskFilter,
    dossier_numbered,
    dossiers_matching,
    open_tasks,
)
from tests.api.doors import open_doors, the_settings
from tests.records.many import RARE, fill

DOSSIERS = int(os.environ.get("ECHEANCE_BENCH_DESK", "100000"))
ROUNDS = 40
TODAY = date(2026, 11, 26)
Rows = AsyncIterator[tuple[str, str, str]]
Question = Callable[[AsyncSession], Awaitable[Any]]


def _searched(text: str, after: str = "") -> Question:
    wanted = DossierFilter(search=text)
    return lambda session: dossiers_matching(session, wanted, after=after, limit=51)


_MIDDLE = f"CAR2024{DOSSIERS // 2:08d}"
QUESTIONS: dict[str, Question] = {
    "first page of the queue": lambda session: open_tasks(
        session, after=None, limit=51
    ),
    "queue, far down": lambda session: open_tasks(
        session, after=(date(2026, 12, 20), "task-5"), limit=51
    ),
    "an officer's own tasks": lambda session: open_tasks(
        session, after=None, limit=51, wanted=TaskFilter(holder="staff:officer-7")
    ),
    "nobody's tasks": lambda session: open_tasks(
        session, after=None, limit=51, wanted=TaskFilter(unheld=True)
    ),
    "search: a rare name": _searched(RARE),
    "search: a name of one in eight": _searched("tremblay"),
    "the same, half way through": _searched("tremblay", _MIDDLE),
    "search: the start of a number": _searched(_MIDDLE[:12]),
    "all dossiers, half way through": lambda session: dossiers_matching(
        session, DossierFilter(), after=_MIDDLE, limit=51
    ),
    "requests that agencies left": lambda session: unanswered_requests(
        session, today=TODAY, after=None, limit=51
    ),
}


PAGES = (
    "/fr/bureau",
    f"/fr/bureau?{urlencode({'suite': task_cursor(date(2026, 12, 20), 'task-5')})}",
    f"/fr/bureau/chercher?{urlencode({'q': RARE})}",
    "/fr/bureau/chercher?q=tremblay",
    f"/fr/bureau/chercher?q={_MIDDLE[:12]}",
    "/fr/bureau/liens",
    "/fr/bureau/courriel",
    "/fr/bureau/importer",
)


async def desk() -> Rows:
    """Fill a register; ask its questions in turns with a read by key, then pages."""
    async with a_database() as (url, folder):
        engine = make_engine(url)
        with Progress(transient=True) as progress:
            planted = progress.add_task("dossiers", total=DOSSIERS)
            async with engine.connect() as connection:
                await fill(
                    connection, DOSSIERS, lambda more: progress.advance(planted, more)
                )
        sessions = make_sessions(engine)
        for name, question in QUESTIONS.items():
            ours, key = [], []
            async with sessions() as session:
                for _ in range(ROUNDS):
                    ours.append(await _timed(session, question))
                    key.append(await _timed(session, _by_key))
            ratio = statistics.median(ours) / statistics.median(key)
            told = f"{ratio:.1f} ({statistics.median(ours) * 1000:.1f} ms)"
            yield f"{name}, to a read by key ({DOSSIERS} dossiers)", told, "at most 10"
        await engine.dispose()
        async for row in _pages(url, folder):
            yield row


async def _pages(url: str, folder: Path) -> Rows:
    """Ask for the pages of the desk, and weigh them with their lists full."""
    nowhere = "127.0.0.1:1"
    settings = the_settings(url, folder, nowhere)
    async with open_doors(settings) as doors, served(settings, nowhere) as base:
        for path in PAGES:
            name, ratio, aim = await compared(doors, base, "decider", path)
            yield f"{name} ({DOSSIERS} dossiers)", ratio, aim
            weight = await weighed(doors, base, "decider", path)
            yield f"weight of {path}, compressed", f"{weight:.0f} KB", "at most 60"


async def _by_key(session: AsyncSession) -> object:
    return await dossier_numbered(session, _MIDDLE)


async def _timed(session: AsyncSession, question: Question) -> float:
    session.expunge_all()  # what was read once is read again
    begun = time.perf_counter()
    await question(session)
    return time.perf_counter() - begun
