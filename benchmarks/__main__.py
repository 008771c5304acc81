"""Measure and print one table: python -m benchmarks [MEASURE…].

Without names, everything. ECHEANCE_TEMPORAL_ADDRESS: benchmarks/servers.py.
"""

import asyncio
import sys

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


async def measure(names: list[str]) -> None:
    table = Table("measure", "here", "aim")
    for chosen in names or PARTS:
        async for name, figure, aim in PARTS[chosen]():
            table.add_row(name, figure, aim)
    Console(width=110).print(table)


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1:]))
    engine.leave(0)
