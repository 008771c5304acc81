"""The headers of a message, read within bounds and only when they are asked for."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

from intake.characters import clean, decoded, decoded_words

_CHARACTERS = 2_000
# Without the look behind, a long line that is no header would be read in its square.
_LINE = re.compile(
    rb"(?<![^\r\n])([!-9;-~]+):((?:[^\r\n]*(?:\r\n?|\n)[\t ])*[^\r\n]*)(?:\r\n?|\n|\Z)"
)
_FOLD = re.compile(r"\n+ *")
_KIND = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s*(?:;|$)")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_IDS_KEPT = 100
_THREAD_CHARACTERS = 20_000
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_ANGLED = re.compile(r"<\s*([^<>\s@]{1,64}@[^<>\s@]{1,190})\s*>")
_BARE = re.compile(r"[^\s<>,;:()@]{1,64}@[^\s<>,;:()@]{1,190}")


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of one message or part, in their order; names in lower case."""

    in_order: tuple[tuple[str, bytes], ...]
    by_name: dict[str, list[bytes]]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the lines of *raw*; those that are no header are left out."""
        found = tuple(
            (name.decode("ascii").lower(), value) for name, value in _LINE.findall(raw)
        )
        by_name: dict[str, list[bytes]] = {}
        for name, value in found:
            by_name.setdefault(name, []).append(value)
        return cls(found, by_name)

    def every(self, name: str, limit: int = _CHARACTERS) -> tuple[str, ...]:
        """Return each value of *name* unfolded, cut at *limit* bytes."""
        return tuple(unfolded(value, limit) for value in self.by_name.get(name, ()))

    def first(self, name: str) -> str:
        """Return the first value of *name*, or the empty string."""
        values = self.by_name.get(name)
        return unfolded(values[0]) if values else ""

    def has(self, name: str) -> bool:
        """Tell whether *name* is there, even empty."""
        return name in self.by_name

    def words(self, name: str) -> str:
        """Return the first value of *name* with its RFC 2047 words decoded."""
        value = self.first(name)
        said = decoded_words(value)
        return value if said == value else _on_one_line(clean(said))

    def kind(self) -> tuple[str, str]:
        """Return the media type in two halves; text/plain unless another is said."""
        found = _KIND.match(self.first("content-type"))
        kind, _, subtype = (found[1].lower() if found else "text/plain").partition("/")
        return kind, subtype

    def parameter(self, name: str, of: str) -> str:
        """Return a parameter such as `boundary` of the header *of*, or nothing."""
        found = _parameter(name).search(self.first(of))
        return (found[1] or found[2] or "").strip() if found else ""

    def ids(self, name: str) -> tuple[str, ...]:
        """Return the distinct message ids of *name*, with their angle brackets."""
        values = " ".join(self.every(name, _THREAD_CHARACTERS))
        return tuple(dict.fromkeys(_MESSAGE_ID.findall(values)))[:_IDS_KEPT]

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the distinct addresses of *name*, lower-cased, without any name."""
        found = (each for value in self.every(name) for each in _addresses(value))
        return tuple(dict.fromkeys(found))


def unfolded(value: bytes, limit: int = _CHARACTERS) -> str:
    """Return a header's value as one line of text, cut at *limit* bytes."""
    text = decoded(value[:limit], "", complete=len(value) <= limit)
    return _on_one_line(clean(text))


def _on_one_line(text: str) -> str:
    return _FOLD.sub(" ", text).strip()


@cache
def _parameter(name: str) -> re.Pattern[str]:
    return re.compile(rf';\s*{name}\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)


def _addresses(value: str) -> list[str]:
    value = _COMMENT.sub(" ", _QUOTED_NAME.sub(" ", value))
    found: list[str] = _ANGLED.findall(value) or _BARE.findall(value)
    return [address.lower() for address in found]
