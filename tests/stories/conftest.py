"""The whole embedded stack, real processes and all, one for a module's stories."""

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from embedded.places import forget
from embedded.ports import Ports
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre


@pytest.fixture
async def stack(open_folder: Path) -> AsyncIterator[EmbeddedStack]:
    async with EmbeddedStack(open_folder / "var", Ports.free()) as stack:
        yield stack
    forget(open_folder / "var")


@pytest.fixture
async def theatre(stack: EmbeddedStack) -> AsyncIterator[Theatre]:
    async with Theatre.opened(stack.settings, Console(file=StringIO())) as theatre:
        await theatre.place_agency()
        yield theatre
