"""What may be printed of a text that somebody typed."""

import re
import unicodedata

# Joiners are part of ordinary names in some scripts; every other invisible character
# can only hide or turn round what a reader sees.
_JOINERS = frozenset("\u200c\u200d")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_ANY_SPACE = re.compile(r"[^\S\u00a0\u202f]+")  # no-break spaces are meant
_LONGEST_WORD = 24
_MAY_BREAK = "\u200b"


def printable(text: str, *, limit: int) -> str:
    """Keep what a person can see, on one line of at most *limit* characters.

    >>> printable("Zoe\u0301 \u202e  Roy", limit=7), printable("Zoé Lévesque", limit=8)
    ('Zoé Roy', 'Zoé Lév…')
    """
    composed = unicodedata.normalize("NFC", _ANY_SPACE.sub(" ", text))
    seen = "".join(
        c
        for c in composed
        if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE
    )
    seen = _ANY_SPACE.sub(" ", seen).strip()
    return seen if len(seen) <= limit else f"{seen[: limit - 1].rstrip()}…"


def breakable(text: str) -> str:
    """Let a word that is longer than any line be broken rather than run off the page.

    >>> len(breakable("x" * 100))
    104
    """
    return re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=\S)", rf"\1{_MAY_BREAK}", text)
