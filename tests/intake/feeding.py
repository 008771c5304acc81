"""The whole corpus, as the doors are fed with it."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.intake.messages import Case

_RETURN_PATH = re.compile(rb"(?im)^return-path:\s*(<[^>\r\n]*>)")


def every_case() -> tuple[Case, ...]:
    """Collect the messages of each `written_….py` beside this file."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for path in sorted(Path(__file__).parent.glob("written_*.py")):
        yield from import_module(f"tests.intake.{path.stem}").CASES


def sender_of(raw: bytes) -> str:
    """Name the sender of the envelope, as the server that wrote it down saw it."""
    found = _RETURN_PATH.search(raw)
    return found[1].decode("latin-1") if found else "<marie.lavoie@courriel.example>"
