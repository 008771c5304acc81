"""What a mail server says became of a letter of ours."""

import re
from collections.abc import Iterator
from enum import StrEnum, auto

from intake.parts import Parts
from intake.plain_text import any_of, fold


class Fate(StrEnum):
    """What became of a letter; an UNDER_WAY one may still arrive, nobody knows."""

    DELIVERED = auto()
    UNDER_WAY = auto()
    FAILED = auto()


# A relay that hands on, or a list that spreads, has not reached the person (RFC 3464).
_ACTIONS = {
    "delivered": Fate.DELIVERED,
    "relayed": Fate.UNDER_WAY,
    "expanded": Fate.UNDER_WAY,
    "delayed": Fate.UNDER_WAY,
    "failed": Fate.FAILED,
}
_CLASSES = {"2": Fate.DELIVERED, "4": Fate.UNDER_WAY, "5": Fate.FAILED}
_WORST_FIRST = (Fate.FAILED, Fate.UNDER_WAY, Fate.DELIVERED)

_FOLD = re.compile(r"\n +")
# Some servers leave out the empty line between two recipients.
_BLOCK_END = re.compile(r"\n *\n|\n(?= *final-recipient)")
_FIELD = re.compile(r"^ *(action|status|diagnostic-code) *: *(.*)", re.MULTILINE)
_ACTION = re.compile(r"[a-z]+")
_STATUS = re.compile(r"([245])\.\d{1,3}\.\d{1,3}")
_REPLY = re.compile(r"(?<![\d.])([245])\d\d(?![\d.])")
_CODE = r"([45])\.\d{1,3}\.\d{1,3}(?!\.?\d)"
# A telephone number of Montréal begins as a reply code does: 514 555-0142.
_SAID_REPLY = re.compile(rf"(?<![\d.+-])([45])[0-5]\d[ -](?={_CODE}|[a-z<#\[])")
_SAID_CODE = re.compile(rf"(?<![\d.]){_CODE}")
_COPIED_ID = re.compile(r"(?im)^[> ]*message-id\s*:\s*(<[^<>\s]{1,250}>)")
_CHARACTERS_READ = 6_000
_CHARACTERS_COPIED = 50_000
_COPY_BEGINS = re.compile(
    r"\n[^\n]{0,40}(?:below this line is a copy|this is a copy of (?:the|your) message"
    r"|original message|original headers|message d'origine|message original"
    r"|copie du message|texte du message|a copy of the original)"
)


_GIVEN = r"(?:remis|delivre|livre|distribue|achemine|envoye|transmis)e?s?\b"
_WAITS = any_of(
    r"\bdelayed\b",
    r"\(delay\)",
    r"\bdelay(?:ing)? (?:in|of|notification)",
    r"\b(?:delivery|message) delay\b",
    r"\bwarning message only\b",
    r"\bdo(?:es)? not need to (?:be )?resen[dt]\b",
    r"\bnot yet (?:been )?delivered\b",
    r"\bhas not been delivered yet\b",
    r"\battempts? will continue\b",
    r"\bwill (?:be retried|retry|keep trying|try again)\b",
    r"\bcontinuer(?:a|ons) (?:a|d')\b",
    r"\bnouvelles? tentatives?\b",
    r"\bretardee?s?\b",
    rf"\bpas encore (?:ete |pu )?(?:etre )?{_GIVEN}",
    r"\bsera reessaye\b",
    r"\b(?:remise|distribution|livraison) (?:retardee|differee|en attente)\b",
)
FAILURE = any_of(
    r"\bundeliver(?:ed|able)\b",
    r"\bnon[ -]?(?:remis|distribu|livr|delivr|delivery)",
    r"\breturned (?:mail|message|to sender|email)\b",
    r"\breturning message\b",
    r"\bfailure notice\b",
    r"\bnondeliverable\b",
    r"\bunzustellbar\b",
    r"\bno entregado\b",
    r"\bdelivery (?:status|failure|failed|has failed|incomplete|problem|delayed)",
    r"\bmail (?:delivery|system error)\b",
    r"\bmessage (?:undeliverable|status|delayed)\b",
    r"\bechec (?:de |d')?(?:la |l')?(?:remise|livraison|distribution|envoi|transmi)",
    r"\b(?:message|courriel|remise|livraison)s? (?:impossible|refuse|rejete|retourne"
    r"|retarde|differe)e?s?\b",
    r"\bretour (?:de|du) (?:courrier|courriel|message)\b",
    r"\bnotification d'echec\b",
    r"\bnotification (?:de|d'|sur) ?(?:l')?etat (?:de )?(?:la )?(?:remise|distribut)",
    r"\bwarning\s?: (?:message|could not)",
)
_FAILED = any_of(
    r"\b(?:could|can|was|were|has|is|will)(?: not|n't)(?: be| been)? delivered\b",
    r"\bcannot be delivered\b",
    r"\bcouldn't (?:deliver|be found|find)\b",
    r"\b(?:unable|not able|wasn't able) to deliver\b",
    r"\bfailed permanently\b",
    r"\bdelivery (?:has )?failed\b",
    r"\bgiving up\b|\bgave up\b",
    r"\bnot going to try again\b",
    r"\bpermanent (?:fatal )?(?:error|failure)s?\b",
    rf"\bn'(?:a|ont) (?:pas )?pu etre {_GIVEN}",
    rf"\bn'(?:a|ont) pas ete {_GIVEN}",
    r"\b(?:envoi|remise|livraison|distribution) [^.!?\n]{0,30}\ba echoue\b",
    r"\bimpossible de (?:remettre|livrer|delivrer|distribuer|transmettre|trouver)",
    r"\b(?:user|mailbox|recipient|address) (?:unknown|unavailable|not found"
    r"|does not exist|rejected|is full|disabled)\b",
    r"\bunknown (?:user|recipient|address|mailbox)\b",
    r"\bno such (?:user|mailbox)\b",
    r"\b(?:adresse|destinataire|usager|utilisateur|boite)s?(?: \w+){0,3} "
    r"(?:inconnu|introuvable|inexistant|invalide|pleine|n'existe|desactive)",
    r"\b(?:mailbox|inbox|account|quota) (?:is )?(?:full|over quota|exceeded)\b",
    r"\bover (?:its )?quota\b",
    r"\bdoes not (?:exist|have an? .{0,40}account)\b",
    r"\b(?:has been |was )?(?:blocked|rejected|refused) by\b|\brejete par\b",
)
_ARRIVED = any_of(
    r"\bsuccessfully delivered\b",
    r"\b(?:was|has been) (?:successfully )?delivered\b",
    r"\ba (?:bien )?ete (?:bien )?(?:remis|delivre|livre|distribue)e?\b",
)


def says_failure(parts: Parts, subject: str) -> bool:
    """Tell whether a message without a report speaks of a letter that did not arrive.

    *subject* is decoded. For messages that no person has written.
    """
    said = _said(parts)
    found = _SAID_REPLY.search(said) or _FAILED.search(said) or _WAITS.search(said)
    return bool(FAILURE.search(fold(subject)) or found)


def fate_of(parts: Parts, subject: str) -> Fate | None:
    """
    Say what became of the letter, the worst first where several addresses are named.

    From the report (RFC 3464, 6533) when there is one, else from the words of the
    server; None when neither says it.
    """
    told = {fate for report in parts.reports for fate in _reported(report)}
    for fate in _WORST_FIRST:
        if fate in told:
            return fate
    return _worded(fold(subject) + "\n" + _said(parts))


def letters_named(parts: Parts, domain: str) -> tuple[str, ...]:
    """Name the messages a server speaks of, those of our *domain* first.

    None of them is believed yet: our letters have ids that nobody can guess.
    """
    found = tuple(dict.fromkeys(_named(parts)))
    ours = f"@{domain.lower()}>"
    return tuple(sorted(found, key=lambda each: not each.lower().endswith(ours)))


def _reported(report: str) -> Iterator[Fate]:
    """Read each recipient's block; a block that says nothing is passed over."""
    for block in _BLOCK_END.split(_FOLD.sub(" ", fold(report))):
        fields = dict(reversed(_FIELD.findall(block)))
        fate = _of_recipient(
            fields.get("action", ""),
            fields.get("status", ""),
            fields.get("diagnostic-code", ""),
        )
        if fate is not None:
            yield fate


def _of_recipient(action: str, status: str, diagnostic: str) -> Fate | None:
    """Believe the action; « delivered » only where no code denies it."""
    word, code = _ACTION.match(action), _STATUS.search(status)
    by_action = _ACTIONS.get(word[0]) if word else None
    by_status = _CLASSES[code[1]] if code else None
    if by_action is Fate.DELIVERED and by_status is not None:
        return by_status
    if by_action or by_status:
        return by_action or by_status
    reply = _REPLY.search(diagnostic)
    return _CLASSES[reply[1]] if reply else None


def _said(parts: Parts) -> str:
    """Return the server's own words, without the copy of our letter below them."""
    text = fold("\n".join(parts.texts)[:_CHARACTERS_READ])
    return _COPY_BEGINS.split(text, maxsplit=1)[0]


def _worded(said: str) -> Fate | None:
    if _WAITS.search(said):
        return Fate.UNDER_WAY
    code = _SAID_CODE.search(said) or _SAID_REPLY.search(said)
    if (code and code[1] == "5") or _FAILED.search(said):
        return Fate.FAILED
    if code:
        return Fate.FAILED if FAILURE.search(said) else Fate.UNDER_WAY
    return Fate.DELIVERED if _ARRIVED.search(said) else None


def _named(parts: Parts) -> Iterator[str]:
    for headers in (*parts.originals, *(inner.headers for inner in parts.attached)):
        yield from headers.ids("message-id")
    for text in (*parts.reports, *parts.texts):
        yield from _COPIED_ID.findall(text[:_CHARACTERS_COPIED])
    yield from parts.headers.ids("in-reply-to")
    yield from parts.headers.ids("references")
