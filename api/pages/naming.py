"""Who did something, in words: a part of ours, or an account by its name."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from api.pages.words import Voice, words


@dataclass(frozen=True, slots=True)
class Named:
    """Names who did something: a part of ours in words, an account by its name."""

    names: Mapping[str, str]
    say: Voice

    def __call__(self, by: str) -> Markup | str:
        """Name *by*; an account that nobody knows any more, by what it was."""
        if by in self.names:
            return self.names[by]
        audience = by.partition(":")[0]
        for key in (f"desk.by_{by}", f"desk.by_{_KNOWN_AS.get(audience, audience)}"):
            if key in words():
                return self.say(key)
        return by


_KNOWN_AS = {"person": "person", "business": "agency", "staff": "office"}
"""How who signs in there is called where no name is known any more."""
