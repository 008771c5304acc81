"""How the rendered words of a letter are read, and laid out as plain text.

A blank line ends a paragraph. A line that opens with a dash or a number is an item,
with a hash a heading; one set in by four spaces is quoted from somebody; three dashes
alone open the foot. The first paragraph is the headline.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

COLUMNS = 76
_ITEM = re.compile(r"(- |\d{1,2}\. )")
_QUOTED = "    "
_HEADING = "# "
_FOOT = "---"
_NO_BREAK = "\u00a0"


class Role(StrEnum):
    """What a block is for its reader."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    BULLETS = "bullets"
    STEPS = "steps"
    QUOTATION = "quotation"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its only text, its items, or the paragraphs quoted."""

    role: Role
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A letter before it is text or HTML."""

    headline: str
    blocks: tuple[Block, ...]
    foot: tuple[Block, ...]


def read(text: str) -> Document:
    """Read rendered text; raises ValueError if it does not open with a headline."""
    body, _, foot = text.partition(f"\n{_FOOT}\n")
    blocks = _blocks(body)
    if not blocks or blocks[0].role is not Role.PARAGRAPH:
        raise ValueError("a letter opens with what to do")
    return Document(blocks[0].texts[0], blocks[1:], _blocks(foot))


def laid_out(document: Document) -> str:
    """Print as plain text; an address longer than a line stays whole."""
    lines = list(_wrapped("", document.headline))
    heading = False
    for block in (*document.blocks, *document.foot):
        if not heading:
            lines.append("")
        heading = block.role is Role.HEADING  # it stays with what it opens
        lines.extend(_printed(block))
    return "\n".join(lines) + "\n"


def unwrapped(text: str) -> str:
    """Undo the wrapping of laid_out, for a screen that wraps by itself.

    Two lines are joined where the first word of the second did not fit on the first.
    """
    joined: list[str] = []
    above = ""
    for line in text.split("\n"):
        words = line.strip(" ")
        fits = len(above) + len(f" {words.partition(' ')[0]}") <= COLUMNS
        if above and words and not fits and not _ITEM.match(line):
            joined[-1] += f" {words}"
        else:
            joined.append(line)
        above = line
    return "\n".join(joined)


def french_spacing(text: str) -> str:
    """Put the no-break spaces that French typography asks for."""
    text = re.sub(r" ([:»$])", rf"{_NO_BREAK}\1", text)
    return text.replace("« ", f"«{_NO_BREAK}")


def _blocks(text: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    apart = True  # a blank line was read: nothing goes on
    for line in text.splitlines():
        if not line.strip():
            apart = True
            continue
        role, words = _role_of(line)
        last = blocks[-1] if blocks else None
        if last is None or not _goes_on(last.role, role, apart=apart):
            blocks.append(Block(role, (words,)))
        elif role is Role.PARAGRAPH:
            texts = (*last.texts[:-1], f"{last.texts[-1]} {words}")
            blocks[-1] = replace(last, texts=texts)
        else:
            blocks[-1] = replace(last, texts=(*last.texts, words))
        apart = role is Role.HEADING
    return tuple(blocks)


def _role_of(line: str) -> tuple[Role, str]:
    if line.startswith(_QUOTED):
        return Role.QUOTATION, line.strip()
    if line.startswith(_HEADING):
        return Role.HEADING, line.removeprefix(_HEADING).strip()
    if item := _ITEM.match(line):
        role = Role.BULLETS if item[0] == "- " else Role.STEPS
        return role, line[item.end() :].strip()
    return Role.PARAGRAPH, line.strip()


def _goes_on(last: Role, role: Role, *, apart: bool) -> bool:
    """Tell whether a line belongs to the block before it."""
    if role is Role.QUOTATION:
        return last is role  # paragraphs of one quotation
    return not apart and role in {last, Role.PARAGRAPH}


def _printed(block: Block) -> Iterator[str]:
    for number, text in enumerate(block.texts, start=1):
        match block.role:
            case Role.BULLETS:
                yield from _wrapped("- ", text)
            case Role.STEPS:
                yield from _wrapped(f"{number}. ", text)
            case Role.QUOTATION:
                if number > 1:
                    yield ""
                yield from _wrapped(_QUOTED, text)
            case Role.HEADING | Role.PARAGRAPH:
                yield from _wrapped("", text)


def _wrapped(opening: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=COLUMNS,
        initial_indent=opening,
        subsequent_indent=" " * len(opening),
        break_long_words=False,
        break_on_hyphens=False,
    )
