"""Facts into a PDF: the one place that calls the typesetter."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeAlias

import typst

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

_FOLDER = Path(__file__).parent
_NO_GLYPH = "could not be displayed with font"
# A character can be tried out alone; a mark needs a letter to stand on.
_TRIAL = b"#set document(title: sys.inputs.char)\n= a#sys.inputs.char"


class CannotPrint(ValueError):  # noqa: N818 - it reads as what went wrong
    """No font of ours has a glyph for *characters*; a person must look at the text."""

    def __init__(self, characters: frozenset[str]) -> None:
        codes = ", ".join(f"U+{ord(c):04X}" for c in sorted(characters))
        super().__init__(f"no glyph for {codes}")
        self.characters = characters


def typeset(template: str, facts: Mapping[str, Json], *, dated: datetime) -> bytes:
    """Print *template* with *facts*, accessible (PDF/UA-1) and archival (PDF/A-2a).

    The facts go in as data and are never read as markup. The same facts and *dated*
    (aware) give the same bytes, with the same version of the typesetter. May be
    called from several threads. Raises CannotPrint.
    """
    told = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    compiler = typst.Compiler(
        _FOLDER / template,
        root=_FOLDER,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"facts": told},
    )
    try:
        return _pdf(compiler, dated)
    except typst.TypstError as refused:
        if _NO_GLYPH not in refused.message:
            raise
        lacking = frozenset(c for c in set(told) if not has_glyph(c))
        raise CannotPrint(lacking) from None


@cache
def has_glyph(char: str) -> bool:
    """Answer whether one of the typesetter's own fonts can show a character."""
    if char.isascii():
        return char.isprintable()
    compiler = typst.Compiler(
        _TRIAL,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"char": char},
    )
    try:
        compiler.compile(format="pdf", pdf_standards=["a-2a"])
    except typst.TypstError:
        return False
    return True


def _pdf(compiler: typst.Compiler, dated: datetime) -> bytes:
    made = compiler.compile(
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
        timestamp=dated.replace(microsecond=0),  # a PDF's dates know none
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    # Those of the machine would make other bytes on another machine.
    return typst.Fonts(include_system_fonts=False)
