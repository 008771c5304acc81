"""Read one incoming message: who wrote, what is asked, about which numbers."""

import re
from dataclasses import dataclass, replace

from intake.arrival import House
from intake.parts import TEXT_CHARACTERS, Parts, take_apart
from intake.plain_text import Layers, fold, layers
from intake.robots import Nature, bounced, ids_of, nature_of
from intake.roles import Role, Roles, roles_in
from intake.wishes import Language, Wish, language_of, wish_in
from rules.numbers import DossierNumber, find_suspicious_numbers

__all__ = ["Nature", "Understood", "Wish", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """
    What a message says, as far as it says it; nothing here is guessed or proven.

    Message ids keep their angle brackets. *sender* is what From claims: a bare
    address in lower case. *problem* is a stable code: `too_large`,
    `headers_too_large`, `too_many_parts`, `too_deep`, `broken`, `text_too_long`,
    `no_sender`, `several_senders`, `unexpected`; what could be read is still here.
    """

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    sender: str | None = None
    subject: str = ""
    text: str = ""
    language: Language = "fr"
    nature: Nature = Nature.PERSON
    wish: Wish = Wish.NONE
    numbers: tuple[DossierNumber, ...] = ()
    new_dossier: DossierNumber | None = None
    expired_certificate: DossierNumber | None = None
    suspicious: tuple[str, ...] = ()
    contradictory: bool = False
    bounced_message_id: str | None = None
    bounce_permanent: bool | None = None
    problem: str | None = None


def understand(
    raw: bytes, house: House, *, recipients: tuple[str, ...] = ()
) -> Understood:
    """
    Read *raw* within fixed bounds of time and memory; never raise.

    *recipients* are the addresses the envelope named, where the door knows them.

    The subject and the new text speak first. What the person forwards, then what
    they quote (or sign with), speaks only where the new text is silent: all its
    numbers when the new text has none; otherwise a role the new text has not
    given, and none when a new number without a role may be its correction. A reply's
    subject is a quotation. A letter from the intake's address passed on is a quotation.
    Roles come from words (`intake.roles`), never from the year of a number. A
    robot asks for nothing.
    """
    try:
        return _Reading(raw, house, recipients).understood()
    except Exception:  # noqa: BLE001 -- a message must never stop the ones behind it
        return Understood(problem="unexpected")


_PASSED_ON = re.compile(r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:tr|fw|fwd|wg)\s?:")
_REPLY = re.compile(r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:re|rep|aw|sv)\s?(?:\[\d\])?:")
# Nothing holds together over three line ends (intake.roles).
_APART = "\n\n\n"
_SUSPICIOUS = 20
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_ANGLED = re.compile(r"<\s*([^<>\s@]{1,64}@[^<>\s@]{1,190})\s*>")
_BARE = re.compile(r"[^\s<>,;:()@]{1,64}@[^\s<>,;:()@]{1,190}")


class _Reading:
    """One message being read."""

    def __init__(self, raw: bytes, house: House, recipients: tuple[str, ...]) -> None:
        self.ours = house.intake_address.strip().lower()
        self.recipients = recipients
        self.parts = take_apart(raw)
        self.problem = self.parts.problem
        self.subject = self.parts.headers.words("subject")
        folded = fold(self.subject)
        self.passes_on = bool(_PASSED_ON.match(folded))
        self.replies = bool(_REPLY.match(folded))

    def understood(self) -> Understood:
        headers = self.parts.headers
        sender = self._sender()
        nature = nature_of(self.parts, sender, self.subject, self.ours)
        said = self._layers()
        thread = ids_of(headers, "in-reply-to") + ids_of(headers, "references")
        read = Understood(
            message_id=next(iter(ids_of(headers, "message-id")), None),
            in_reply_to=tuple(dict.fromkeys(thread)),
            sender=sender,
            subject=self.subject,
            text=said.new or said.forwarded,
            language=language_of(said.new, self.subject, said.forwarded, said.quoted),
            nature=nature,
            wish=self._wish(said),
        )
        read = replace(self._with_numbers(read, said), problem=self.problem)
        if nature in {Nature.PERSON, Nature.MAILING_LIST}:
            return read
        letter, permanent = (
            bounced(self.parts) if nature is Nature.BOUNCE else (None, None)
        )
        return replace(
            read,
            wish=Wish.NONE,
            new_dossier=None,
            expired_certificate=None,
            bounced_message_id=letter,
            bounce_permanent=permanent,
        )

    def _sender(self) -> str | None:
        values = self.parts.headers.every("from")
        found = {address for value in values for address in _addresses(value)}
        if len(found) != 1:
            self.problem = self.problem or ("several_senders" if found else "no_sender")
            return None
        return found.pop()

    def _layers(self) -> Layers:
        text = self._bounded("\n".join(self.parts.texts))
        said = layers(text, ours=self.ours, passes_on=self.passes_on)
        for attached in self.parts.attached:
            said = self._with_attached(said, attached)
        return said

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

    def _wish(self, said: Layers) -> Wish:
        own_subject = "" if self.replies or self.passes_on else self.subject
        return wish_in(said.new, own_subject, said.forwarded)

    def _with_numbers(self, read: Understood, said: Layers) -> Understood:
        new, passed_on, quoted = said.new, said.forwarded, said.quoted
        if self.replies:
            quoted = self.subject + _APART + quoted
        elif self.passes_on:
            passed_on = self.subject + _APART + passed_on
        else:
            new = self.subject + _APART + new
        texts = (new, passed_on, quoted)
        by_text = [roles_in(text) for text in texts]
        roles = _counted(by_text)
        contradictory = _contradict(roles)
        return replace(
            read,
            numbers=roles.numbers,
            new_dossier=None if contradictory else next(iter(roles.new), None),
            expired_certificate=(
                None if contradictory else next(iter(roles.expired), None)
            ),
            suspicious=_suspicious(texts, new_text_speaks=bool(by_text[0].numbers)),
            contradictory=contradictory,
        )


def _joined(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _addresses(value: str) -> list[str]:
    """Return the addresses of a From value, lower-cased, without any name."""
    value = _COMMENT.sub(" ", _QUOTED_NAME.sub(" ", value))
    found: list[str] = _ANGLED.findall(value) or _BARE.findall(value)
    return [address.lower() for address in found]


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


def _suspicious(texts: tuple[str, ...], *, new_text_speaks: bool) -> tuple[str, ...]:
    found = [find_suspicious_numbers(text) for text in texts]
    if new_text_speaks:
        return found[0][:_SUSPICIOUS]
    return next((numbers[:_SUSPICIOUS] for numbers in found if numbers), ())
