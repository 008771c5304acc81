"""A letter as HTML, made from the very words of its text.

There is no second set of templates: both parts print one document, read once from one
rendered template. So they cannot disagree, whatever the facts; only the frame, which
holds no word, is HTML.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from letters.layout import Document, Role

FRAME = Path(__file__).parent / "frame.html"


def marked_up(
    document: Document, *, title: str, language: str, addresses: Mapping[str, str]
) -> str:
    """Print *document* as a page that fetches nothing.

    *addresses* are those of ours, each with where it leads. No other becomes a link:
    what somebody typed must not send the reader anywhere.
    """
    return _frame().render(
        document=document,
        title=title,
        language=f"{language}-CA",
        role=Role,
        linked=_linker(addresses),
    )


def _linker(addresses: Mapping[str, str]) -> Callable[[str], Markup]:
    longest_first = sorted(addresses, key=len, reverse=True)
    ours = re.compile(f"({'|'.join(map(re.escape, longest_first)) or '(?!)'})")
    links = {words: _link(target, words) for words, target in addresses.items()}

    def linked(text: str) -> Markup:
        return Markup("").join(links.get(part, part) for part in ours.split(text))

    return linked


def _link(target: str, words: str) -> Markup:
    return Markup('<a href="{}" style="color: #14508f;">{}</a>').format(target, words)


@cache
def _frame() -> Template:
    environment = Environment(
        loader=FileSystemLoader(FRAME.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(FRAME.name)
