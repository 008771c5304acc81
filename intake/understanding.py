"""Read one incoming message: who wrote, what is asked, about which numbers."""

import re
from dataclasses import dataclass, replace

from intake.arrival import House
from intake.authentication import Proof, proof_of
from intake.parts import TEXT_CHARACTERS, Parts, take_apart
from intake.plain_text import Layers, fold, layers
from intake.reports import Fate, fate_of, letters_named
from intake.robots import Nature, marked_as_spam, nature_of, says_it_is_read_no_more
from intake.roles import Role, Roles, roles_in
from intake.wishes import (
    Language,
    Wish,
    gives_an_address,
    language_of,
    speaks_for_another,
    wish_in,
)
from letters.returning import returned_message_id
from rules.numbers import DossierNumber

__all__ = ["Fate", "Nature", "Proof", "Understood", "Wish", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """
    What a message says, as far as it says it; nothing here is guessed.

    Message ids keep their angle brackets. *sender* is what From claims: a bare
    address in lower case; *authenticated* is what our own mail server found of its
    domain. *gives_an_address*: new coordinates beside another wish. *for_another*: the
    writer says to act for somebody else. *spam*: a filter thinks so. *letter* is the
    id of the letter of ours that a REPORT speaks of, *fate* what became of it.
    *read_no_more*: a robot says that nobody reads mail sent there any longer.
    *problem* is a stable code: `too_large`, `headers_too_large`, `too_many_parts`,
    `too_deep`, `broken`, `text_too_long`, `no_sender`, `several_senders`,
    `unexpected`; what could be read is still here.
    """

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    sender: str | None = None
    authenticated: Proof = Proof.NONE
    subject: str = ""
    text: str = ""
    language: Language = "fr"
    nature: Nature = Nature.PERSON
    spam: bool = False
    wish: Wish = Wish.NONE
    gives_an_address: bool = False
    for_another: bool = False
    numbers: tuple[DossierNumber, ...] = ()
    new_dossier: DossierNumber | None = None
    expired_certificate: DossierNumber | None = None
    suspicious: tuple[str, ...] = ()
    contradictory: bool = False
    letter: str | None = None
    fate: Fate | None = None
    read_no_more: bool = False
    problem: str | None = None


def understand(
    raw: bytes, house: House, *, recipients: tuple[str, ...] = ()
) -> Understood:
    """
    Read *raw* within fixed bounds of time and memory; never raise.

    *recipients* are the addresses the envelope named, where the door knows them; else
    the headers say to whom it came. What came to the return path of a letter is about
    that letter, whatever it quotes.

    The subject and the new text speak first. What the person forwards or encloses,
    then what they quote (or sign with), speaks only where the new text is silent: all
    its numbers when the new text has none; otherwise a role the new text has not
    given, and none when a new number without a role may be its correction. A reply's
    subject is a quotation. A letter from the intake's address passed on is a quotation.
    Roles come from words (`intake.roles`), never from the year of a number. A
    robot asks for nothing.
    """
    try:
        return _Reading(raw, house, recipients).understood()
    except Exception:  # noqa: BLE001 -- a message must never stop the ones behind it
        return Understood(problem="unexpected")


_PASSED_ON = re.compile(r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:tr|fw|fwd|wg|i)\s?:")
_REPLY = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:re|ref|rep|aw|sv|antw|odp|ynt)\s?(?:\[\d\])?:"
)
_CAME_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
# Nothing holds together over three line ends (intake.roles).
_APART = "\n\n\n"
_SUSPICIOUS = 20
_HEARD = frozenset({Nature.PERSON, Nature.MAILING_LIST})


class _Reading:
    """One message being read."""

    def __init__(self, raw: bytes, house: House, recipients: tuple[str, ...]) -> None:
        self.house = house
        self.ours = house.intake_address.strip().lower()
        self.parts = take_apart(raw)
        self.headers = self.parts.headers
        self.problem = self.parts.problem
        self.sender = self._sender()
        self.subject = self.headers.words("subject")
        self.letter = self._letter_it_came_back_to(recipients)
        folded = fold(self.subject)
        self.passes_on = bool(_PASSED_ON.match(folded))
        self.replies = bool(_REPLY.match(folded))

    def understood(self) -> Understood:
        nature = nature_of(
            self.parts,
            self.sender,
            self.subject,
            ours=frozenset({self.ours, self.house.return_address.strip().lower()}),
        )
        said = self._layers()
        headers = self.headers
        read = Understood(
            message_id=next(iter(headers.ids("message-id")), None),
            in_reply_to=self._thread(),
            sender=self.sender,
            authenticated=proof_of(headers, self.sender, self.house.authserv_id),
            subject=self.subject,
            text=said.new or said.forwarded,
            language=language_of(said.new, self.subject, said.forwarded, said.quoted),
            nature=nature,
            spam=marked_as_spam(headers),
        )
        read = self._with_numbers(read, said)
        if nature in _HEARD:
            read = self._with_wish(read, said)
        else:
            read = self._of_a_robot(read)
        return replace(read, problem=self.problem)

    def _sender(self) -> str | None:
        found = self.headers.addresses("from")
        if len(found) != 1:
            self.problem = self.problem or ("several_senders" if found else "no_sender")
            return None
        return found[0]

    def _letter_it_came_back_to(self, recipients: tuple[str, ...]) -> str | None:
        house = self.house
        if not house.return_address:
            return None
        came_to = recipients or [
            address for name in _CAME_TO for address in self.headers.addresses(name)
        ]
        letters = (
            returned_message_id(address, house.return_address, house.mail_domain)
            for address in came_to
        )
        return next((letter for letter in letters if letter), None)

    def _thread(self) -> tuple[str, ...]:
        """Name the messages this one answers; the return path knows its letter too."""
        thread = (
            *self.headers.ids("in-reply-to"),
            *self.headers.ids("references"),
            *([self.letter] if self.letter else []),
        )
        return tuple(dict.fromkeys(thread))

    def _of_a_robot(self, read: Understood) -> Understood:
        read = replace(read, new_dossier=None, expired_certificate=None)
        if read.nature is Nature.AUTO_REPLY:
            return replace(read, read_no_more=says_it_is_read_no_more(read.text))
        if read.nature is not Nature.REPORT:
            return read
        named = letters_named(self.parts, self.house.mail_domain)
        return replace(
            read,
            letter=self.letter or next(iter(named), None),
            fate=fate_of(self.parts, self.subject),
        )

    def _layers(self) -> Layers:
        text = self._bounded("\n".join(self.parts.texts))
        said = layers(text, ours=self.ours, passes_on=self.passes_on)
        for attached in self.parts.attached:
            said = self._with_attached(said, attached)
        enclosed = self._bounded(_joined(said.forwarded, *self.parts.enclosed))
        return replace(said, forwarded=enclosed)

    def _bounded(self, text: str) -> str:
        if len(text) > TEXT_CHARACTERS:
            self.problem = self.problem or "text_too_long"
        return text[:TEXT_CHARACTERS]

    def _with_attached(self, said: Layers, attached: Parts) -> Layers:
        """Add a message that came as an attachment to what is passed on."""
        text = self._bounded("\n".join(attached.texts))
        inner = layers(text, ours=self.ours, passes_on=False)
        theirs = [attached.headers.words("subject"), inner.new, inner.forwarded]
        senders = "".join(attached.headers.every("from")).lower()
        if self.ours and self.ours in senders:
            theirs, inner = [], Layers("", "", "\n".join([*theirs, inner.quoted]))
        return Layers(
            said.new,
            self._bounded(_joined(said.forwarded, *theirs)),
            self._bounded(_joined(said.quoted, inner.quoted)),
        )

    def _with_wish(self, read: Understood, said: Layers) -> Understood:
        own_subject = "" if self.replies or self.passes_on else self.subject
        texts = (said.new, own_subject, said.forwarded)
        wish = wish_in(*texts)
        return replace(
            read,
            wish=wish,
            gives_an_address=wish is Wish.TRANSFER and gives_an_address(*texts),
            for_another=speaks_for_another(said.new, own_subject),
        )

    def _with_numbers(self, read: Understood, said: Layers) -> Understood:
        new, passed_on, quoted = said.new, said.forwarded, said.quoted
        if self.replies:
            quoted = self.subject + _APART + quoted
        elif self.passes_on:
            passed_on = self.subject + _APART + passed_on
        else:
            new = self.subject + _APART + new
        by_text = [roles_in(text) for text in (new, passed_on, quoted)]
        roles = _counted(by_text)
        contradictory = _contradict(roles)
        return replace(
            read,
            numbers=roles.numbers,
            new_dossier=None if contradictory else next(iter(roles.new), None),
            expired_certificate=(
                None if contradictory else next(iter(roles.expired), None)
            ),
            suspicious=_suspicious(by_text),
            contradictory=contradictory,
        )


def _joined(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _counted(layers_read: list[Roles]) -> Roles:
    """Let the first layer that names a number speak, and the next ones complete it."""
    speaking = [roles for roles in layers_read if roles.numbers]
    if not speaking:
        return Roles()
    counted, *silent = speaking
    for roles in silent:
        counted = _completed(counted, roles)
    return counted


def _completed(counted: Roles, older: Roles) -> Roles:
    """Take from *older* only a role that nothing newer has or may be about to have."""
    waiting = counted.unsaid - older.new - older.expired
    if waiting and (counted.new or counted.expired or (older.new and older.expired)):
        return counted  # the new number may correct an older one
    new, expired = counted.new or older.new, counted.expired or older.expired
    added = [n for n in older.numbers if n in new | expired]
    numbers = tuple(dict.fromkeys([*counted.numbers, *added]))
    return Roles(numbers, new, expired)


def _contradict(roles: Roles) -> bool:
    """Tell whether two answers were given where one is needed."""
    one_each = len(roles.new) == len(roles.expired) == 1
    if roles.new & roles.expired or len(roles.new) > 1 or len(roles.expired) > 1:
        return True
    return len(roles.numbers) > len(Role) and not one_each


def _suspicious(by_text: list[Roles]) -> tuple[str, ...]:
    newest, *_ = by_text
    if newest.numbers:
        return newest.suspicious[:_SUSPICIOUS]
    return next((r.suspicious[:_SUSPICIOUS] for r in by_text if r.suspicious), ())
