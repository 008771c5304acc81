"""What a mail server says became of a letter of ours."""

import re
from collections.abc import Iterator
from enum import StrEnum, auto

from intake.parts import Parts
from intake.plain_text import fold


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
_SAID_STATUS = re.compile(
    r"(?<![\d.])(?:([45])\.\d{1,3}\.\d{1,3}(?!\.?\d)|([45])[0-5]\d[ -])"
)
_COPIED_ID = re.compile(r"(?im)^[> ]*message-id\s*:\s*(<[^<>\s]{1,250}>)")
_CHARACTERS_READ = 6_000
_CHARACTERS_COPIED = 50_000
_COPY_BEGINS = re.compile(
    r"\n[^\n]{0,40}(?:below this line is a copy|this is a copy of (?:the|your) message"
    r"|original message|original headers|message d'origine|message original"
    r"|copie du message|texte du message|a copy of the original)"
)

_WAITS = re.compile(
    r"\bdelayed\b|\(delay\)|\bdelay(?:ing)? (?:in|of|notification)"
    r"|\b(?:delivery|message) delay\b"
    r"|\bwarning message only\b|\bdo(?:es)? not need to (?:be )?resen[dt]\b"
    r"|\bnot yet (?:been )?delivered\b|\bhas not been delivered yet\b"
    r"|\battempts? will continue\b|\bwill (?:be retried|retry|keep trying|try again)\b"
    r"|\bcontinuer(?:a|ons) (?:a|d')\b|\bnouvelles? tentatives?\b|\bretardee?s?\b"
    r"|\bpas encore (?:ete |pu )?(?:remis|livre|distribue|etre)|\bsera reessaye\b"
    r"|\bremise (?:retardee|differee|en attente)\b|\bdistribution differee\b"
)
FAILURE = re.compile(
    r"\bundeliver(?:ed|able)\b|\bnon[ -]?(?:remis|distribu|livr|delivery)"
    r"|\breturned (?:mail|message|to sender|email)\b|\breturning message\b"
    r"|\bfailure notice\b|\bnondeliverable\b|\bunzustellbar\b|\bno entregado\b"
    r"|\bdelivery (?:status|failure|failed|has failed|incomplete|problem|delayed)"
    r"|\bmail (?:delivery|system error)\b|\bmessage (?:undeliverable|status)\b"
    r"|\bechec (?:de |d')?(?:la |l')?(?:remise|livraison|distribution|envoi"
    r"|transmission)"
    r"|\b(?:message|courriel|remise|livraison)s? (?:non (?:remis|livre|distribue)"
    r"|impossible|refuse|rejete|retourne|retarde|differe)e?s?\b"
    r"|\bretour (?:de|du) (?:courrier|courriel|message)\b|\bnotification d'echec\b"
    r"|\bnotification (?:de|d'|sur) ?(?:l')?etat (?:de )?(?:la )?(?:remise"
    r"|distribution)"
    r"|\bwarning\s?: (?:message|could not)|\bmessage delayed\b"
)
_FAILED = re.compile(
    r"\b(?:could|can|cannot|was|were|has|is)(?: not|n't|not)?(?: be| been)? "
    r"(?:not )?(?:be )?delivered\b|\bcouldn't (?:be delivered|deliver|find)\b"
    r"|\bunable to deliver\b|\bnot (?:been )?delivered\b|\bgiving up\b|\bgave up\b"
    r"|\bfailed permanently\b"
    r"|\bdelivery (?:has )?failed\b"
    r"|\bnot going to try again\b|\bpermanent (?:fatal )?(?:error|failure)s?\b"
    r"|\b(?:n'a|n'ont) (?:pas )?pu etre (?:remis|livre|distribue|achemine|envoye)"
    r"|\bn'a pas ete (?:remis|livre|distribue)|\bimpossible de (?:remettre|livrer"
    r"|distribuer|transmettre|trouver)|\b(?:user|mailbox|recipient|address) "
    r"(?:unknown|unavailable|not found|does not exist|rejected|is full|disabled)\b"
    r"|\bunknown (?:user|recipient|address|mailbox)\b|\bno such (?:user|mailbox)\b"
    r"|\b(?:adresse|destinataire|usager|utilisateur|boite)s?(?: \w+){0,3} "
    r"(?:inconnu|introuvable|inexistant|invalide|pleine|n'existe|desactive)"
    r"|\b(?:mailbox|inbox|account|quota) (?:is )?(?:full|over quota|exceeded)\b"
    r"|\bover (?:its )?quota\b|\bdoes not (?:exist|have an? .{0,40}account)\b"
    r"|\b(?:has been |was )?(?:blocked|rejected|refused) by\b|\brejete par\b"
)


def says_failure(parts: Parts, subject: str) -> bool:
    """Tell whether a message without a report speaks of a letter that did not arrive.

    *subject* is decoded. For messages that no person has written.
    """
    said = _said(parts)
    found = _SAID_STATUS.search(said) or _FAILED.search(said) or _WAITS.search(said)
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
    code = _SAID_STATUS.search(said)
    if (code and "5" in (code[1], code[2])) or _FAILED.search(said):
        return Fate.FAILED
    if code:
        return Fate.FAILED if FAILURE.search(said) else Fate.UNDER_WAY
    return None


def _named(parts: Parts) -> Iterator[str]:
    for headers in (*parts.originals, *(inner.headers for inner in parts.attached)):
        yield from headers.ids("message-id")
    for text in (*parts.reports, *parts.texts):
        yield from _COPIED_ID.findall(text[:_CHARACTERS_COPIED])
    yield from parts.headers.ids("in-reply-to")
    yield from parts.headers.ids("references")
