"""What may be printed of a text that somebody typed."""

import re
import unicodedata

# Joiners are part of ordinary names in some scripts; every other invisible character
# can only hide or turn round what a reader sees.
_JOINERS = frozenset("\u200c\u200d")
# One mailbox and nothing else: no display name, no list, no quoting, ASCII only; and no
# question mark, so that nothing in it can pass for an encoded word of RFC 2047.
PLAIN_ADDRESS = re.compile(
    r"[0-9A-Za-z.!#$%&'*+/=^_`{|}~-]{1,64}@[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*"
)
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co"})


def one_line(text: str, *, limit: int = 200) -> str:
    """Keep what a person can see, on one line of at most *limit* characters."""
    seen = "".join(
        c
        for c in re.sub(r"\s", " ", text)
        if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE
    )
    seen = re.sub(r" +", " ", seen).strip()
    return seen if len(seen) <= limit else f"{seen[: limit - 1].rstrip()}…"


def paragraphs(text: str, *, limit: int = 6000) -> tuple[str, ...]:
    """Split a longer text at its line ends; each part is one clean line."""
    lines = (one_line(line, limit=limit) for line in text[:limit].splitlines())
    return tuple(line for line in lines if line)
