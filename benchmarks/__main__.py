"""Measure and print one table: python -m benchmarks [MEASURE…].

Without names, everything. ECHEANCE_TEMPORAL_ADDRESS: benchmarks/servers.py.
"""

import asyncio
import sys
import time

from rich.console import Console
from rich.table import Table

import engine
from benchmarks.burst import burst
from benchmarks.composing import composing
from benchmarks.cost_of_a_renewal import cost_of_a_renewal
from benchmarks.desk import desk
from benchmarks.documents import documents
from benchmarks.embedded_stack import embedded_stack
from benchmarks.importing import importing
from benchmarks.pages import pages
from benchmarks.paying import paying
from benchmarks.posting import posting
from benchmarks.reading import reading
from benchmarks.standing import standing
from benchmarks.sweeping import sweeping

PARTS = {
    part.__name__: part
    for part in (
        cost_of_a_renewal,
        embedded_stack,
        composing,
        posting,
        reading,
        documents,
        pages,
        desk,
        paying,
        burst,
        importing,
        standing,
        sweeping,
    )
}

out = Console(width=110, highlight=False)


async def measure(names: list[str]) -> int:
    """Take each measure, tell it when it is there, then all; how many broke off.

    One that breaks off is told with the others, which go on: some take an hour.
    """
    table, broken = Table("measure", "here", "aim"), 0
    for chosen in names or PARTS:
        began = time.monotonic()
        try:
            async for name, figure, aim in PARTS[chosen]():
                table.add_row(name, figure, aim)
                out.print(f"{name}: {figure}", markup=False)
        except Exception as why:  # noqa: BLE001 - whatever it is, it is told
            broken += 1
            table.add_row(chosen, f"broke off: {why!r}", "")
            out.print_exception()
        out.print(f"({chosen}, {time.monotonic() - began:.0f} s)")
    out.print(table)
    return broken


if __name__ == "__main__":
    code = min(asyncio.run(measure(sys.argv[1:])), 1)
    engine.leave(code)
