"""How a letter's text is laid out: paragraphs and lists of at most 76 columns."""

import re
import textwrap

COLUMNS = 76
_ITEM = re.compile(r"( *)(- |\d{1,2}\. )")
_QUOTED = "    "
_NO_BREAK = "\u00a0"


def laid_out(text: str) -> str:
    """Reflow rendered text; an address longer than a line stays whole.

    A blank line ends a paragraph, a line that opens with a dash or a number opens an
    item, a line set in by four spaces is a quotation of its own.
    """
    lines = []
    for block in re.split(r"\n[ \t]*\n", text):
        pieces = _pieces(block)
        if pieces:
            lines.append("\n".join(_wrapped(piece) for piece in pieces))
    return "\n\n".join(lines) + "\n"


def french_spacing(text: str) -> str:
    """Put the no-break spaces that French typography asks for."""
    text = re.sub(r" ([:»$])", rf"{_NO_BREAK}\1", text)
    return text.replace("« ", f"«{_NO_BREAK}")


def _pieces(block: str) -> list[str]:
    """Split a block into paragraph, items and quotations; join what goes on."""
    pieces: list[str] = []
    for line in block.splitlines():
        if not line.strip():
            continue
        if not pieces or _ITEM.match(line) or line.startswith(_QUOTED):
            pieces.append(line.rstrip())
        else:
            pieces[-1] = f"{pieces[-1]} {line.strip()}"
    return pieces


def _wrapped(piece: str) -> str:
    item = _ITEM.match(piece)
    opening = item.group(0) if item else ""
    if not item and piece.startswith(_QUOTED):
        opening = _QUOTED
    return textwrap.fill(
        " ".join(piece[len(opening) :].split(" ")).strip(" "),
        width=COLUMNS,
        initial_indent=opening,
        subsequent_indent=" " * len(opening),
        break_long_words=False,
        break_on_hyphens=False,
    )
