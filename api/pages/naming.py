"""Names for people: who did something, and the browser somebody used."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

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

_BROWSERS: Mapping[str, str] = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Mapping[str, str] = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "Chromebook",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}
"""What stands in what a browser says of itself, and its name; the first found counts,
since most of them say that they are several others too."""


def browser_name(say: Voice, told: str) -> Markup:
    """Name a browser and its system by what the browser told of itself."""
    if not told:
        return say("sign_in.no_browser")
    named = next((name for mark, name in _BROWSERS.items() if mark in told), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in told), None)
    browser = named or say("sign_in.browser_other")
    if system is None:
        return escape(browser)
    return say("sign_in.browser_on", browser=browser, system=system)
