"""What a person asks for, and in which language."""

import re
from enum import StrEnum, auto
from typing import Literal

from intake.plain_text import fold

Language = Literal["fr", "en"]


class Wish(StrEnum):
    """What a message asks for; OTHER is for a person to read, NONE is silence."""

    TRANSFER = auto()
    CANCEL = auto()
    OBSERVATIONS = auto()
    OTHER = auto()
    NONE = auto()


# « virement », « e-Transfer » and a move to another employer are other transfers.
_OTHER_TRANSFER = re.compile(
    r"\bvirements?\b|\binterac\b|\b(?:e-?|bank |wire )transfers?\b"
    r"|\btran?s?f\w{2,10} (?:\w+ ){0,3}(?:agence|agency|employeur|employer|appel|call"
    r"|argent|money|paiement|payment)\b|\b(?:message|courriel) transfere\b"
)
_MOVE = re.compile(
    r"\btran?s?f(?:e|ai)r\w{0,9}\b"
    r"|\b(?:associ|rattach|reli|link|attach|deplac|report|mov|reutilis|utilis|us|carry"
    r"|transmett|appli|recuper|conserv|gard|keep)\w{0,6}\b"
    r".{0,60}\b(?:resultat|examen|exam|result|note|test)s?\b"
    r"|\b(?:resultat|examen|exam|result)s?\b[^.!?\n]{0,40}"
    r"\b(?:moved|linked|associe|rattache|deplace|suive)\w{0,2}\b",
    re.DOTALL,
)
_OBJECT = re.compile(
    r"\b(?:resultat|result|examen|exam|note|certificat\w{0,2}|dossier|file|car ?20"
    r"|test)s?|\bcar20"
)
_CANCEL = re.compile(
    r"(?<!\ba )(?<!\bete )(?<!\best )(?<!\bai )(?<!\bavez )\bannul(?:er|e|ez|ation)\b"
    r"|\bcancel(?:l?ing|l?ation)?\b|\bresili(?:er|ez|ation)\b"
    r"|\bmettre fin a mon certificat\b"
)
_OTHER_CANCELLATION = re.compile(
    r"\b(?:annul|cancel|resili)\w{0,7} (?:\w+[ ']){0,3}(?:rendez|rdv|appointment"
    r"|paiement|payment|facture|invoice|reunion|meeting|abonnement|subscription"
    r"|demande|request|transf|inscription|registration)"
)
_OBSERVATIONS = re.compile(
    r"\b(?:pas|plus) (?:du tout )?(?:d'accord|daccord)\b|\bdesaccord\b"
    r"|\bcontest\w{0,7}\b"
    r"|\b(?:mes|nos|mon|quelques) (?:observation|commentaire)s?\b|\bdisagree\w{0,4}\b"
    r"|\b(?:don't|do not|can't|cannot) agree\b|\bmy (?:observation|comment)s?\b"
    r"|\bobservations? (?:sur|on|about|concernant|a la suite)\b|\bappeal\b"
    r"|\b(?:refus|intended refusal|decision)\b.{0,40}\b(?:injuste|unfair|revoir"
    r"|reconsider\w{0,6})\b"
)
_DENIED = re.compile(
    r"\bn(?:e |')(?:\w+ )?(?:veu[xt]|voul\w+|souhait\w+|desir\w+|demand\w+|faut)\b"
    r"[^.!?\n]{0,20}\b(?:pas|plus)\b[^.!?\n]{0,25}\b(?:annul|transf|resili)"
    r"|\b(?:annul|transf|resili)\w{1,6} (?:surtout )?(?:pas|plus)\b"
    r"|\b(?:pas|plus) (?:besoin|question) d[^.!?\n]{0,15}\b(?:annul|transf|resili)"
    r"|(?<!could )(?<!can )(?<!was )(?<!is )(?<!has )\b(?:not|don't|dont|never)\b"
    r"(?: (?:want\w*|wish|to|ask\w*|you|me|need|like))* (?:transf|cancel)"
    r"|\b(?:sans|without|instead of|au lieu d[e'])[^.!?\n]{0,30}"
    r"\b(?:annul|transf|cancel|resili)"
)


def wish_in(*texts: str) -> Wish:
    """
    Say what the first of *texts* that asks for something asks for.

    Two wishes at once, or a denied one, are OTHER. Observations come first: who
    disagrees about a transfer does not ask for it.
    """
    folded = [fold(text) for text in texts]
    for text in folded:
        wish = _wish(text)
        if wish is not None:
            return wish
    return Wish.OTHER if any(text.strip() for text in folded) else Wish.NONE


def _wish(folded: str) -> Wish | None:
    if _OBSERVATIONS.search(folded):
        return Wish.OBSERVATIONS
    if _DENIED.search(folded):
        return Wish.OTHER
    moved = _OTHER_TRANSFER.sub(" ", folded)
    transfer = bool(_MOVE.search(moved) and _OBJECT.search(moved))
    cancel = bool(_CANCEL.search(folded))
    if cancel and (transfer or _OTHER_CANCELLATION.search(folded)):
        return Wish.OTHER
    if cancel:
        return Wish.CANCEL
    return Wish.TRANSFER if transfer else None


_FRENCH = re.compile(
    "bonjour|bonsoir|merci|je|j'ai|mon|ma|mes|le|la|les|de|du|des|un|une|et|est|vous"
    "|votre|pour|dans|vers|avec|pas|que|qui|sur|nouveau|ancien|dossier|certificat"
    "|numero|resultat|examen|svp|expire|desire|veux|voici|suis|au|aux|ci|cordialement"
    "|transferer|transfert|annuler|bien|madame|monsieur|oui"
)
_ENGLISH = re.compile(
    "hello|hi|dear|thanks|thank|i|i've|i'm|my|the|of|a|an|and|is|you|your|for|to|into"
    "|from|with|not|that|this|which|on|new|old|former|file|certificate|number|result"
    "|exam|please|expired|want|would|like|here|am|it|sincerely|regards|transfer|cancel"
    "|sir|madam|yes|have"
)
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def language_of(*texts: str) -> Language:
    """Name the language of the first of *texts* that shows one; French by default."""
    for text in texts:
        words = _WORD.findall(fold(text))
        words += [part for word in words if "'" in word for part in word.split("'")]
        french = sum(bool(_FRENCH.fullmatch(word)) for word in words)
        english = sum(bool(_ENGLISH.fullmatch(word)) for word in words)
        if french != english:
            return "fr" if french > english else "en"
    return "fr"
