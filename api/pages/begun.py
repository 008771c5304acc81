"""What a person has begun to write and not sent, with the way back to each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from api.pages.words import Sentence
from records.drafts import Draft

_NAMED: Mapping[str, str] = {
    "nouveau-dossier": "mine.new_title",
    "reprendre": "taking_back.title",
    "mes-coordonnees": "address.title",
    "transfert": "transfer.title",
    "observations": "observing.title",
    "annulation": "cancelling.title",
    "agence": "linking.title",
    "fin": "mine.begun_unlinking",
}
"""The title of each form, by a word of its address: the last one names it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A form left in the middle: what it is, where, and the last day it is kept.

    *number* is the dossier that it is about, if it is about one.
    """

    what: Sentence
    number: str | None
    path: str
    until: date


def begun(
    drafts: Iterable[Draft], number: str | None = None, closed: Collection[str] = ()
) -> tuple[Begun, ...]:
    """List the forms left in the middle; with *number*, those of one dossier alone.

    What was begun in a *closed* dossier leads nowhere any more.
    """
    found = []
    for draft in drafts:
        words = draft.form.split("/")
        about = words[2] if words[1] == "dossier" else None
        name = next((_NAMED[word] for word in reversed(words) if word in _NAMED), None)
        if name is None or about in closed or (number and about != number):
            continue
        found.append(Begun(Sentence(name), about, draft.form, draft.until))
    return tuple(found)
