"""What a person gets from the HTML of a letter, without a browser."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = frozenset({"meta", "br", "hr", "img", "link", "input"})
_BLOCKS = frozenset({"h1", "h2", "p", "li"})


@dataclass
class Page(HTMLParser):
    """A page of HTML: its title, its blocks in order, its links, its elements.

    A block is its words behind the mark that its text would bear: "- ", "2. ".
    """

    html: str
    title: str = ""
    blocks: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _items: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    @property
    def shape(self) -> list[str]:
        """Its elements by name, in order."""
        return [tag for tag, _ in self.elements]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.blocks).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in _EMPTY:
            return
        if tag in {"ol", "ul"}:
            self._items.append(0)
        if tag == "li":
            self._items[-1] += 1
        if tag in _BLOCKS:
            self.blocks.append(self._mark(tag))
        if tag == "a":
            self.links.append((self.elements[-1][1]["href"], ""))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        opened = self._open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"
        if tag in {"ol", "ul"}:
            self._items.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        if not _BLOCKS & set(self._open):
            assert not data.strip() or self._open[-1] in {"title", "style"}, data
            return
        self.blocks[-1] += data
        if self._open[-1] == "a":
            target, words = self.links[-1]
            self.links[-1] = (target, words + data)

    def _mark(self, tag: str) -> str:
        if tag != "li":
            return ""
        inside = next(t for t in reversed(self._open) if t in {"ol", "ul"})
        return f"{self._items[-1]}. " if inside == "ol" else "- "
