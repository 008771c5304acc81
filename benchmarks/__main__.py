"""Measure and print one table: python -m benchmarks."""

import asyncio

from rich.console import Console
from rich.table import Table

import engine
from benchmarks.composing import composing
from benchmarks.cost_of_a_renewal import cost_of_a_renewal
from benchmarks.documents import documents
from benchmarks.embedded_stack import embedded_stack
from benchmarks.paying import paying
from benchmarks.posting import posting
from benchmarks.reading import reading


async def measure() -> None:
    table = Table("measure", "here", "aim")
    for part in (
        cost_of_a_renewal,
        embedded_stack,
        composing,
        posting,
        reading,
        documents,
        paying,
    ):
        async for name, figure, aim in part():
            table.add_row(name, figure, aim)
    Console(width=110).print(table)


if __name__ == "__main__":
    asyncio.run(measure())
    engine.leave(0)
