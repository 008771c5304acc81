"""After an act: back to the dossier, whose page is the confirmation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request, status
from fastapi.responses import RedirectResponse

from api.language import Language
from api.pages.words import Sentence

_REFERENCE = re.compile(r"[0-9A-Z]{8}")
PERSONAL = ("language", "address", "address_confirmed", "take_back", "taken_back")
ACTS = (
    *("opened", "transfer", "link", "remind", "unlink", "observe", "cancel"),
    *PERSONAL,
)
"""What can have been done, by the keys that word it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What the green band says: what was done, and under which reference."""

    what: Sentence
    reference: str


def done(language: Language, number: str, act: str, key: str) -> RedirectResponse:
    """Lead back to the dossier, which confirms *act* under a reference."""
    return led_to(f"/{language}/dossier/{number}", act, key)


def led_to(path: str, act: str, key: str) -> RedirectResponse:
    """Lead to the page at *path*, which confirms *act* under a reference."""
    said = urlencode({"fait": act, "ref": reference_of(key)})
    return RedirectResponse(f"{path}?{said}", status.HTTP_303_SEE_OTHER)


def reference_of(key: str) -> str:
    """Name an act as a person can read it out: the first 8 characters of its key."""
    return key[:8].upper()


def what_was_done(request: Request) -> Done | None:
    """Read the band's words from the address; nothing of it is printed unread."""
    asked: Mapping[str, str] = request.query_params
    act, reference = asked.get("fait", ""), asked.get("ref", "")
    if act not in ACTS or not _REFERENCE.fullmatch(reference):
        return None
    return Done(Sentence(f"done.{act}"), reference)
