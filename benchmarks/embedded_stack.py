"""The embedded stack: its memory at rest, and from cold start to the first letter."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

from rich.console import Console

from embedded.places import forget
from embedded.ports import Ports
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre

Rows = AsyncIterator[tuple[str, str, str]]


async def embedded_stack() -> Rows:
    """Start a stack in an empty folder, wait for the first letter, weigh it."""
    folder = await asyncio.to_thread(_open_folder)
    begun = time.perf_counter()
    try:
        async with EmbeddedStack(folder, Ports.free()) as stack:
            ready = time.perf_counter() - begun
            quiet = Console(file=StringIO())
            async with Theatre.opened(stack.settings, quiet) as theatre:
                await theatre.place_agency()
                await theatre.place_holder(
                    theatre.stage(), "Marc Tremblay", days_left=5
                )
                letter = time.perf_counter() - begun
            weights = {name: _resident_mb(stack.pid(name)) for name in stack.names}
    finally:
        await asyncio.to_thread(forget, folder)
    total = sum(weights.values())
    parts = ", ".join(f"{name} {mb:.0f}" for name, mb in weights.items())
    yield "cold start, all parts ready", f"{ready:.1f} s", ""
    yield "cold start to the first letter of the demo", f"{letter:.1f} s", "15 s"
    yield "memory of the parts at rest", f"{total:.0f} MB ({parts})", "700 MB"


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="echeance-bench-"))
    folder.chmod(0o755)  # PostgreSQL under root is another account
    return folder


def _resident_mb(pid: int) -> float:
    """Weigh a process whole, and of its children what they do not share with it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    shared_out = sum(_kilobytes(int(child), "RssAnon") for child in children)
    return (_kilobytes(pid, "VmRSS") + shared_out) / 1024


def _kilobytes(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith(f"{what}:"))
