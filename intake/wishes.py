"""What a person asks for, and in which language."""

import re
from enum import StrEnum, auto
from typing import Literal

from intake.plain_text import any_of, fold

Language = Literal["fr", "en"]


class Wish(StrEnum):
    """
    What a message asks for.

    MIXED (two wishes at once, or a denied one) and OTHER are for a person to read;
    OTHER may still lack nothing but its verb. NONE is silence.
    """

    TRANSFER = auto()
    CANCEL = auto()
    ADDRESS = auto()
    OBSERVATIONS = auto()
    MIXED = auto()
    OTHER = auto()
    NONE = auto()


def wish_in(*texts: str) -> Wish:
    """
    Say what the first of *texts* that asks for something asks for.

    Observations come first: who disagrees about a transfer does not ask for it. New
    coordinates beside a transfer are `gives_an_address`'s to tell, since the clock of
    the law runs on the transfer.
    """
    folded = [fold(text) for text in texts]
    for text in folded:
        wish = _wish(text)
        if wish is not None:
            return wish
    return Wish.OTHER if any(text.strip() for text in folded) else Wish.NONE


def gives_an_address(*texts: str) -> bool:
    """Tell whether new coordinates are announced; which ones is never read."""
    return any(_ADDRESS.search(fold(text)) for text in texts)


def speaks_for_another(*texts: str) -> bool:
    """Tell whether the writer says to act for somebody else (« notre employé »)."""
    return any(_FOR_ANOTHER.search(fold(text)) for text in texts)


def _wish(folded: str) -> Wish | None:
    if _OBSERVATIONS.search(folded):
        return Wish.OBSERVATIONS
    if _DENIED.search(folded):
        return Wish.MIXED
    transfer, cancel = _asks_transfer(folded), bool(_CANCEL.search(folded))
    if transfer:
        return Wish.MIXED if cancel else Wish.TRANSFER
    if cancel:
        return Wish.OTHER if _OTHER_CANCELLATION.search(folded) else Wish.CANCEL
    if _ADDRESS.search(folded):
        return Wish.ADDRESS
    return Wish.OBSERVATIONS if _COMPLAINT.search(folded) else None


# --- to transfer a result ---------------------------------------------------------

_EXAM = r"(?:resultat|result|examen|exam|note|test)s?\b"
_TRANSFER = re.compile(r"\btran?s?f(?:e|ai)r\w{0,9}\b")
_OBJECT = re.compile(rf"\b(?:{_EXAM}|certificate?s?\b|dossiers?\b|files?\b|car ?20)")
# « virement », « e-Transfer » and a move to another employer are other transfers.
_OTHER_TRANSFER = any_of(
    r"\bvirements?\b",
    r"\binterac\b",
    r"\b(?:e-?|bank |wire )transfers?\b",
    r"\btran?s?f\w{2,10} (?:\w+ ){0,3}(?:agence|agency|employeur|employer|appel|call"
    r"|argent|money|paiement|payment)\b",
    r"\b(?:message|courriel) transfere\b",
)
_ASKED_BEFORE = re.compile(
    r"\b(?:ou en est|(?:statut|des nouvelles|delais?) (?:de|du|des|pour|sur)"
    r"|(?:status|news) (?:of|about|on)|update on|how long|combien de temps"
    r"|quand (?:sera|seront|est-ce|vais|aurai|allez|pensez|va|vont|mon|le)"
    r"|when (?:will|is|are|can|do|does))\b[^.!?\n]{0,60}\btran?s?f\w{2,10}\b"
)
# Verbs of moving, with what is moved some words on; then verbs of everyday, which
# mean a transfer only from one dossier to another.
_MOVED = re.compile(
    r"\b(?:associ|rattach|reli|deplac)\w{1,6}\b|\b(?:link|mov|attach)(?:e|ed|ing|er)?\b"
    r"|\bcarry over\b|\blier\b"
)
_KEPT = re.compile(
    r"\b(?:reutilis|utilis|transmett|recuper|conserv|gard|report)(?:er|ez|e|re)\b"
    r"|\b(?:re-?use|use|keep|apply)\b"
)
_EXAM_AFTER = r"(?:\W{1,4}\w{1,20}){0,%d}\W{1,4}" + _EXAM
_AFTER_MOVED = re.compile(_EXAM_AFTER % 7)
_AFTER_KEPT = re.compile(_EXAM_AFTER % 4)
_PLACE = re.compile(r"\b(?:dossier|file|nouveau|new|there|certificate?|car ?20)")
_NEW_PLACE = re.compile(r"\b(?:nouveau|nouvel|nouvelle|new|car ?20)")
_PLACE_CHARACTERS = 160
_FOLLOWS = re.compile(
    r"\b(?:resultat|examen|exam|result)s?\b[^.!?\n]{0,40}"
    r"\b(?:moved|linked|associe|rattache|deplace|suive|follow)\w{0,2}\b"
)


def _asks_transfer(folded: str) -> bool:
    said = _ASKED_BEFORE.sub(" ", _OTHER_TRANSFER.sub(" ", folded))
    return (
        bool(_TRANSFER.search(said) and _OBJECT.search(said))
        or bool(_FOLLOWS.search(said))
        or _moves(said, _MOVED, _AFTER_MOVED, _PLACE)
        or _moves(said, _KEPT, _AFTER_KEPT, _NEW_PLACE)
    )


def _moves(
    said: str,
    verb: re.Pattern[str],
    what: re.Pattern[str],
    where: re.Pattern[str],
) -> bool:
    """Read « associer mon résultat … au dossier »: without a place, nothing moves."""
    return any(
        what.match(said, found.end())
        and where.search(said, found.end(), found.end() + _PLACE_CHARACTERS)
        for found in verb.finditer(said)
    )


# --- to end a certificate ---------------------------------------------------------

_CANCEL = any_of(
    # The look ahead first: five looks behind at each letter of a text are slow.
    r"\b(?=annul)(?<!\ba )(?<!\bete )(?<!\best )(?<!\bai )(?<!\bavez )annul(?:er|e|ez"
    r"|ation)\b",
    r"\bcancel(?:l?ing|l?ation)?\b",
    r"\bresili(?:er|ez|ation)\b",
    r"\b(?:mettre fin|met[sz]? fin|renonce[rz]?) a mon certificat\b",
    r"\b(?:terminate|surrender|end|give up) my certificate\b",
    r"\b(?:fermer|close) (?:mon|my) (?:dossier|file)\b",
)
_OTHER_CANCELLATION = re.compile(
    r"\b(?:annul|cancel|resili)\w{0,7} (?:\w+[ ']){0,3}(?:rendez|rdv|appointment"
    r"|paiement|payment|facture|invoice|reunion|meeting|abonnement|subscription"
    r"|demande|request|transf|inscription|registration)"
)
_DENIED = any_of(
    r"\bn(?:e |')(?:\w+ )?(?:veu[xt]|voul\w+|souhait\w+|desir\w+|demand\w+"
    r"|faut)\b[^.!?\n]{0,20}\b(?:pas|plus)\b[^.!?\n]{0,25}\b(?:annul|transf|resili)",
    r"\b(?:annul|transf|resili)\w{1,6} (?:surtout )?(?:pas|plus)\b",
    r"\b(?:pas|plus) (?:besoin|question) d[^.!?\n]{0,15}\b(?:annul|transf|resili)",
    r"\b(?=not|don|never)(?<!could )(?<!can )(?<!was )(?<!is )(?<!has )(?:not|don't"
    r"|dont|never)\b(?: (?:want\w*|wish|to|ask\w*|you|me|need|like))* (?:transf"
    r"|cancel)",
    r"\b(?:sans|without|instead of|au lieu d[e'])[^.!?\n]{0,30}\b(?:annul|transf"
    r"|cancel|resili)",
)

# --- to be reached elsewhere ------------------------------------------------------

_COORDINATES = (
    r"(?:adresses?|courriels?|e-?mails?|mails?|telephones?|cellulaires?|phones?"
    r"|coordonnees|contact (?:info|information|details)|addresse?s?|code postal)\b"
)
_ADDRESS = any_of(
    r"\b(?:chang|modif|corrig|remplac|actualis)\w{0,9}\b[^.!?\n]{0,30}\b"
    + _COORDINATES,
    r"\b(?:mise a jour|mett(?:re|ez) a jour|updat(?:e|ing))\b[^.!?\n]{0,30}\b"
    + _COORDINATES,
    r"\b(?:new|nouveau|nouvel|nouvelle|nouvelles) (?:(?:home|mailing|postal|personal"
    r"|cell|mobile|numero de|adresse de) )?" + _COORDINATES,
    rf"\b{_COORDINATES}[^.!?\n]{{0,25}}\b"
    r"(?:(?:a|ont) change|changera|ha(?:s|ve) changed|is now|est maintenant"
    r"|est rendue?|n'est plus|is no longer)\b",
    r"\bje (?:vais )?demenager?\b",
    r"\bj'ai demenage\b",
    r"\bi(?:'ve| have|'m| am)? (?:just )?mov(?:ed|ing)\b"
    r"(?! (?:my|from)| to (?:\w+ ){0,3}(?:agency|employer|company|firm|job))",
)

# --- to disagree ------------------------------------------------------------------

_OBSERVATIONS = any_of(
    r"\b(?:pas|plus) (?:du tout )?(?:d'accord|daccord)\b",
    r"\bdesaccord\b",
    r"\bcontest\w{0,7}\b",
    r"\b(?:mes|nos|mon|quelques) (?:observation|commentaire)s?\b",
    r"\bdisagree\w{0,4}\b",
    r"\b(?:don't|do not|can't|cannot) agree\b",
    r"\bmy (?:observation|comment)s?\b",
    r"\bobservations? (?:sur|on|about|concernant|a la suite)\b",
    r"\bappeal\b",
    r"\b(?:refus|intended refusal|decision)\b.{0,40}\b(?:injuste|unfair|revoir"
    r"|reconsider\w{0,6})\b",
)
_COMPLAINT = any_of(
    r"\bplaintes?\b",
    r"\bje (?:me )?plains\b",
    r"\bcomplain(?:t|ts|ing)?\b",
    r"\binsatisfait\w{0,2}\b",
    r"\binacceptable\b",
    r"\bunacceptable\b",
)

# --- for somebody else ------------------------------------------------------------

_FOR_ANOTHER = any_of(
    r"\b(?:notre|nos) (?:\w+ )?(?:employe|representant|agent|recouvreu|prepose"
    r"|collegue)",
    r"\bour (?:\w+ )?(?:employee|representative|agent|collector|colleague)s?\b",
    r"\bon behalf of\b",
    r"\bau nom de (?:m\.|mme|monsieur|madame|mon|ma|notre|nos)",
    r"\bpour le compte de\b",
    r"\bfor (?:my|a) colleague\b",
    r"\bpour (?:mon|ma|une?) collegue\b",
    r"\bde la part de (?:mon|ma|m\.|mme|notre)\b",
    r"\bje m'occupe d(?:u|es) (?:personnel|ressources|dossiers)\b",
    r"\b(?:his|her|their) (?:new file|(?:expired |old )?certificate|exam)\b",
    r"\bson (?:nouveau dossier|(?:ancien )?certificat expire)\b",
)

# --- in which language ------------------------------------------------------------

_FRENCH_WORDS = """
    bonjour bonsoir merci je j'ai mon ma mes le la les de du des un une et est vous
    votre pour dans vers avec pas que qui sur nouveau ancien dossier certificat numero
    resultat examen svp expire desire veux voici suis au aux ci cordialement transferer
    transfert annuler bien madame monsieur oui ce cette ne il elle nous ai sont par ou
"""
_ENGLISH_WORDS = """
    hello hi dear thanks thank i i've i'm my the of a an and is you your for to into
    from with not that this which on new old former file certificate number result exam
    please expired want would like here am it sincerely regards transfer cancel sir
    madam yes have are be has was we our can do will
"""
_FRENCH = frozenset(_FRENCH_WORDS.split())
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def language_of(*texts: str) -> Language:
    """Name the language of the first of *texts* that shows one; French by default."""
    for text in texts:
        words = _WORD.findall(fold(text))
        words += [part for word in words if "'" in word for part in word.split("'")]
        french = sum(word in _FRENCH for word in words)
        english = sum(word in _ENGLISH for word in words)
        if french != english:
            return "fr" if french > english else "en"
    return "fr"
