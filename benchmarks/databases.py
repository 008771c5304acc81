"""The database of one measure, begun and ended beside the loop that measures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from embedded.passing import passing_database


@asynccontextmanager
async def a_database() -> AsyncIterator[tuple[str, Path]]:
    """Run a PostgreSQL with every table; yield its address and its folder."""
    passing = passing_database()
    place = await asyncio.to_thread(passing.__enter__)
    try:
        yield place
    finally:
        await asyncio.to_thread(passing.__exit__, None, None, None)
