"""Turn a page of HTML into the text that a reader sees."""

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape

_SILENT = frozenset({"head", "script", "style", "template", "title"})
# What stands inside is no markup, up to their own end.
_RAW = frozenset({"script", "style", "title"})
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"),
        *("source", "wbr"),
    }
)
_BLOCK = frozenset(
    {
        *("address", "article", "blockquote", "body", "br", "caption", "center", "dd"),
        *("div", "dl", "dt", "fieldset", "footer", "form", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre"),
        *("section", "table", "tr", "ul"),
    }
)
_CELL = frozenset({"td", "th"})
_CLOSES_ITSELF = frozenset({"p", "li", "tr", "td", "th", "dt", "dd"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all")
_INDENTED = re.compile(r"border\s*:\s*none")
_NAME = re.compile(r"/?([a-z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"""([^\s=/"']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?""")
_TAG_CHARACTERS = 2_000
_OPEN_ELEMENTS = 200


def text_of_html(html: str) -> str:
    """
    Return the text a reader sees, one line a block; quoted lines begin with `> `.

    What the page hides is left out. Linear in the length of *html*, whatever it is.
    """
    reader = _Reader()
    words, *pieces = _without_comments(html).split("<")
    reader.words(words)
    for piece in pieces:
        reader.piece(piece)
    return reader.text()


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0:
        kept.append(html[at:start])
        end = html.find("-->", start)
        at = len(html) if end < 0 else end + 3
    return "".join([*kept, html[at:]])


@dataclass(frozen=True, slots=True)
class _Element:
    tag: str
    hidden: bool
    quoted: bool


class _Reader:
    """Collects the visible text, line by line."""

    def __init__(self) -> None:
        self._open: list[_Element] = []
        self._count: Counter[str] = Counter()
        self._hidden = 0
        self._quoted = 0
        self._raw = ""
        self._line: list[str] = []
        self._lines: list[str] = []

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines)

    def words(self, text: str) -> None:
        if text and not self._hidden:
            self._line.append(unescape(text) if "&" in text else text)

    def piece(self, piece: str) -> None:
        """Read what follows a « < »: a tag and the words after it, or no tag at all."""
        close = piece.find(">")
        if self._raw and not piece[: close + 1].lower().startswith(f"/{self._raw}"):
            return
        if close < 0 or not (piece[0].isalpha() or piece[0] in "/!?"):
            self.words("<" + piece)
            return
        if close <= _TAG_CHARACTERS and piece[0] not in "!?":
            self._tag(piece[:close].lower())
        self.words(piece[close + 1 :])

    def _tag(self, tag: str) -> None:
        name = _NAME.match(tag)
        if name is None:
            return
        if tag[0] == "/":
            self._close(name[1])
            return
        self._begin(name[1], tag[name.end() :])
        if tag[-1] == "/":
            self._close(name[1])

    def _begin(self, tag: str, attributes: str) -> None:
        if tag in _CLOSES_ITSELF and self._open and self._open[-1].tag == tag:
            self._close(tag)
        if tag in _BLOCK:
            self._end_line()
        elif tag in _CELL:
            self._line.append(" ")
        if tag in _VOID or len(self._open) >= _OPEN_ELEMENTS:
            return
        said = _attributes(attributes)
        style = said.get("style", "")
        hidden = tag in _SILENT or "hidden" in said or bool(_HIDDEN.search(style))
        # Gmail's "indent more" is a blockquote too, and quotes nobody.
        quoted = tag == "blockquote" and not _INDENTED.search(style)
        self._open.append(_Element(tag, hidden, quoted))
        self._count[tag] += 1
        self._hidden += hidden
        self._quoted += quoted
        self._raw = tag if tag in _RAW else ""

    def _close(self, tag: str) -> None:
        self._raw = ""
        if tag in _BLOCK:
            self._end_line()
        while self._count[tag]:
            element = self._open.pop()
            self._count[element.tag] -= 1
            self._hidden -= element.hidden
            self._quoted -= element.quoted
            if element.tag == tag:
                return

    def _end_line(self) -> None:
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line:
            self._lines.append("> " + line if self._quoted else line)


def _attributes(tag: str) -> dict[str, str]:
    """Read the attributes, where one of them may hide or indent (`_HIDDEN`)."""
    if "none" not in tag and "hid" not in tag and "&" not in tag:
        return {}
    found = reversed(_ATTRIBUTE.findall(tag))
    return {name: unescape(value.strip("\"'")) for name, value in found}
