"""What follows from a letter, given what the records know: a decision without I/O."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from intake.known import WAITING, Known
from intake.understanding import Fate, Nature, Proof, Understood, Wish
from rules.dossier import Item, Stage, TransferRequest
from rules.numbers import DossierNumber, find_dossier_numbers
from workflows.messages import MailWish


class Unclear(StrEnum):
    """Why a person must read a letter: the reason of its task."""

    BROKEN = "mail_broken"
    CONTRADICTORY = "mail_contradictory"
    UNMATCHED = "mail_unmatched"
    SENDER_DOUBTFUL = "mail_sender_doubtful"
    FROM_A_LIST = "mail_from_a_list"
    ALSO_AN_ADDRESS = "mail_also_an_address"
    READ_NO_MORE = "mail_read_no_more"
    BOUNCE_UNMATCHED = "bounce_unmatched"


@dataclass(frozen=True, slots=True)
class Asks:
    """
    A letter asks something of a dossier.

    *besides* is why a person must read it too: it says more than its fact can hold.
    """

    dossier: DossierNumber
    wish: MailWish
    certificate: DossierNumber | None = None
    missing: tuple[Item, ...] = ()
    besides: Unclear | None = None


@dataclass(frozen=True, slots=True)
class CameBack:
    """A letter of ours came back."""

    dossier: DossierNumber
    letter_key: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail server says that a letter of ours was delivered."""

    dossier: DossierNumber
    letter_key: str


@dataclass(frozen=True, slots=True)
class ForAPerson:
    """Nobody but a person can say; *suggested* is the one dossier it may concern."""

    why: Unclear
    suggested: DossierNumber | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Nothing is known of what a filter or a list brought: listed, no task."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A robot speaks; nothing follows."""


Meaning: TypeAlias = Asks | CameBack | Arrived | ForAPerson | SetAside | Silence


def meaning(mail: Understood, known: Known) -> Meaning:
    """Say what follows from a letter; what is not known is asked, never guessed."""
    match mail.nature:
        case Nature.OWN_MAIL | Nature.LOOP:
            return Silence()
        case Nature.AUTO_REPLY:
            return _answered_by_a_robot(mail, known)
        case Nature.REPORT:
            return _reported(mail, known)
        case Nature.MAILING_LIST:
            # A list may be the way in of a person, or of the whole Office.
            if known.nothing:
                return SetAside()
            return ForAPerson(Unclear.FROM_A_LIST, _dossier_named(mail, known))
        case Nature.PERSON:
            return _from_a_person(mail, known)


def _from_a_person(mail: Understood, known: Known) -> Meaning:
    if mail.spam and known.nothing:
        return SetAside()
    unclear = _unclear(mail, known)
    if unclear is not None:
        return ForAPerson(unclear, _dossier_named(mail, known))
    completed = _request_completed(mail, known)
    if completed is not None:
        return _completion(mail, known, *completed)
    return _asked(mail, known)


_CHANGES_A_RIGHT = frozenset({Wish.CANCEL, Wish.ADDRESS, Wish.MIXED})


def _unclear(mail: Understood, known: Known) -> Unclear | None:
    if mail.problem is not None:
        return Unclear.BROKEN
    # A request to transfer is heard all the same: it moves a result between two
    # dossiers of one person, and each letter about it goes to the address on file.
    harmful = mail.wish in _CHANGES_A_RIGHT or not known.knows_sender
    if mail.authenticated is Proof.FAIL and harmful:
        return Unclear.SENDER_DOUBTFUL
    return Unclear.CONTRADICTORY if mail.contradictory else None


def _asked(mail: Understood, known: Known) -> Meaning:
    roles = _roles(mail, known)
    if mail.wish is Wish.TRANSFER:
        return _transfer(mail, known, roles)
    if _lacks_only_the_wish(mail, known, roles):
        return _request(mail, roles.new, roles.expired, (Item.WISH,))
    return _other(mail, known)


def _reported(mail: Understood, known: Known) -> Meaning:
    """Believe a report only about a letter of ours, whose id nobody can guess."""
    letter = known.returned
    match mail.fate:
        case Fate.UNDER_WAY:
            return Silence()  # the relay goes on trying
        case Fate.DELIVERED:
            return Arrived(letter.dossier, letter.key) if letter else Silence()
        case Fate.FAILED | None:
            if letter is None:
                return ForAPerson(Unclear.BOUNCE_UNMATCHED)
            return CameBack(letter.dossier, letter.key)


def _answered_by_a_robot(mail: Understood, known: Known) -> Meaning:
    """An absence ends; an address that nobody reads any more does not."""
    if mail.read_no_more and known.answered is not None:
        return ForAPerson(Unclear.READ_NO_MORE, known.answered.dossier)
    return Silence()


def _suggested(mail: Understood, known: Known) -> DossierNumber | None:
    ours = [number for number in mail.numbers if number in known.dossiers]
    return ours[0] if len(ours) == 1 else None


@dataclass(frozen=True, slots=True)
class _Roles:
    new: DossierNumber | None
    expired: DossierNumber | None
    unsaid: tuple[DossierNumber, ...]


def _roles(mail: Understood, known: Known) -> _Roles:
    """Give each number its role: as the person said, else as the records know it.

    A dossier that waits for an exam result is no expired certificate, and a dossier
    that has a certificate is not the new one: that is knowledge, not a guess.
    """
    new, expired = mail.new_dossier, mail.expired_certificate
    unsaid = [n for n in mail.numbers if n not in {new, expired}]
    waiting = [n for n in unsaid if known.waits(n)]
    holding = [n for n in unsaid if n in known.certificates]
    if new is None and len(waiting) == 1:
        new = waiting[0]
    if expired is None and len(holding) == 1:
        expired = holding[0]
    return _Roles(new, expired, tuple(n for n in unsaid if n not in {new, expired}))


def _transfer(mail: Understood, known: Known, roles: _Roles) -> Meaning:
    if len(roles.unsaid) > 1 or (roles.unsaid and len(mail.numbers) > 1):
        return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
    if roles.new is not None:
        if roles.new not in known.dossiers:
            return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
        wish = () if _may_be_theirs(mail, known, roles) else (Item.WISH,)
        return _request(mail, roles.new, roles.expired, wish)
    if known.answered is not None and known.waits(known.answered.dossier):
        return _request(mail, known.answered.dossier, roles.expired, ())
    theirs = [number for number, phase in known.of_sender if phase in WAITING]
    if len(theirs) == 1:
        return _request(mail, theirs[0], roles.expired, (Item.NEW_DOSSIER,))
    return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))


def _may_be_theirs(mail: Understood, known: Known, roles: _Roles) -> bool:
    """
    Answer whether the person of the new dossier may have written.

    A stranger may be that person at another address. Who says to act for somebody
    else, or has neither of the two dossiers, is not: only the representative can say
    the wish (OPC, certification-management), and is asked for it at the address on
    file.
    """
    theirs = {number for number, _ in known.of_sender}
    if theirs:
        return bool(theirs & {roles.new, roles.expired})
    return not mail.for_another


def _request(
    mail: Understood,
    dossier: DossierNumber | None,
    certificate: DossierNumber | None,
    missing: tuple[Item, ...],
) -> Meaning:
    assert dossier is not None
    if certificate == dossier:
        return ForAPerson(Unclear.CONTRADICTORY, dossier)
    lacking = {*missing, *(() if certificate else (Item.EXPIRED_CERTIFICATE,))}
    in_order = tuple(item for item in Item if item in lacking)
    besides = Unclear.ALSO_AN_ADDRESS if mail.gives_an_address else None
    return Asks(dossier, MailWish.TRANSFER, certificate, in_order, besides)


def _lacks_only_the_wish(mail: Understood, known: Known, roles: _Roles) -> bool:
    """Two numbers with their roles and no verb are a request without its wish."""
    said_both = mail.new_dossier is not None and mail.expired_certificate is not None
    asks_nothing_else = mail.wish in {Wish.OTHER, Wish.NONE}
    return (
        said_both
        and asks_nothing_else
        and roles.new is not None
        and known.waits(roles.new)
    )


def _request_completed(
    mail: Understood, known: Known
) -> tuple[DossierNumber, TransferRequest] | None:
    """Find the request whose missing items this message may bring."""
    answered = known.answered
    if answered is None or answered.notice != "items_missing":
        return None
    if answered.dossier not in known.dossiers:
        return None
    if mail.wish not in {Wish.TRANSFER, Wish.OTHER, Wish.NONE}:
        return None
    request = known.dossiers[answered.dossier][1].request
    if request is None or request.stage is not Stage.ITEMS_MISSING:
        return None
    elsewhere = mail.new_dossier not in {None, answered.dossier}
    return None if elsewhere else (answered.dossier, request)


def _completion(
    mail: Understood, known: Known, dossier: DossierNumber, request: TransferRequest
) -> Meaning:
    """Read an answer to "items missing": its one other number is the missing one."""
    others = [number for number in mail.numbers if number != dossier]
    certificate = mail.expired_certificate
    if certificate is None and len(others) == 1:
        certificate = others[0]
    if certificate is None and others:
        return ForAPerson(Unclear.UNMATCHED, dossier)
    # The number in the subject of our own letter is not the person's answer.
    says_it = dossier in find_dossier_numbers(mail.text)
    brings_a_number = says_it or certificate is not None or bool(mail.suspicious)
    if mail.wish is not Wish.TRANSFER and not brings_a_number:
        return _other(mail, known)
    wish_said = mail.wish is Wish.TRANSFER or Item.WISH not in request.missing
    return _request(mail, dossier, certificate, () if wish_said else (Item.WISH,))


_AS_A_FACT = {
    Wish.TRANSFER: MailWish.TRANSFER,
    Wish.CANCEL: MailWish.CANCEL,
    Wish.ADDRESS: MailWish.ADDRESS,
    Wish.OBSERVATIONS: MailWish.OBSERVATIONS,
    Wish.MIXED: MailWish.OTHER,
    Wish.OTHER: MailWish.OTHER,
    Wish.NONE: MailWish.OTHER,  # an empty letter may hold its wish in an attachment
}


def _other(mail: Understood, known: Known) -> Meaning:
    dossier = _dossier_named(mail, known)
    if dossier is None:
        return ForAPerson(Unclear.UNMATCHED, _suggested(mail, known))
    return Asks(dossier, _AS_A_FACT[mail.wish])


def _dossier_named(mail: Understood, known: Known) -> DossierNumber | None:
    """Find the dossier by its number, else by the thread, else by the sender."""
    by_number = _suggested(mail, known)
    if by_number is not None:
        return by_number
    if known.answered is not None and known.answered.dossier in known.dossiers:
        return known.answered.dossier
    if mail.numbers or len(known.of_sender) != 1:
        return None  # a number that we do not know outweighs the sender's address
    return known.of_sender[0][0]
