"""In which language a caller is answered: French, unless English is preferred."""

from typing import Literal

Language = Literal["fr", "en"]


def language_of(accept_language: str | None) -> Language:
    """Read an Accept-Language header; French when it says nothing of the two.

    >>> language_of("en-CA,en;q=0.9,fr;q=0.4"), language_of("de"), language_of(None)
    ('en', 'fr', 'fr')
    """
    wishes = {"fr": 0.0, "en": 0.0}
    for part in (accept_language or "")[:_LONGEST].split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary in wishes:
            wishes[primary] = max(wishes[primary], _weight(parameter))
    return "en" if wishes["en"] > wishes["fr"] else "fr"


_LONGEST = 500


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
