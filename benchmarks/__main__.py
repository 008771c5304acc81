"""Measure and print one table: python -m benchmarks."""

import asyncio

from rich.console import Console
from rich.table import Table

import engine
from benchmarks.cost_of_a_renewal import cost_of_a_renewal
from benchmarks.embedded_stack import embedded_stack
from benchmarks.posting import posting


async def measure() -> None:
    table = Table("measure", "here", "aim")
    for part in (cost_of_a_renewal, embedded_stack, posting):
        async for name, figure, aim in part():
            table.add_row(name, figure, aim)
    Console(width=110).print(table)


if __name__ == "__main__":
    asyncio.run(measure())
    engine.leave(0)
