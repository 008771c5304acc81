"""Is it a person who writes, or a server, a program, a list, ourselves?"""

import re
from enum import StrEnum, auto

from intake.headers import Headers
from intake.parts import Parts
from intake.plain_text import any_of, fold
from intake.reports import FAILURE, says_failure


class Nature(StrEnum):
    """
    Who speaks: only a PERSON is ever obeyed, and no other is answered.

    A REPORT is a mail server's word on a letter; a LOOP is a message that servers pass
    round.
    """

    PERSON = auto()
    AUTO_REPLY = auto()
    REPORT = auto()
    MAILING_LIST = auto()
    OWN_MAIL = auto()
    LOOP = auto()


OWN_HEADER = "x-echeance-letter"
MOST_HOPS = 30
"""A message has gone through few servers, seldom ten, unless they pass it round."""


def nature_of(
    parts: Parts, sender: str | None, subject: str, *, ours: frozenset[str]
) -> Nature:
    """
    Say who speaks, by headers first; *subject* is decoded, *ours* in lower case.

    In doubt it is a person: a robot taken for one costs an officer a look, a person
    taken for a robot is not heard.
    """
    headers = parts.headers
    by_program = _is_by_program(headers, sender or "")
    if _is_report(parts, by_program=by_program):
        return Nature.REPORT
    if headers.has(OWN_HEADER) or sender in ours:
        return Nature.OWN_MAIL
    if len(headers.by_name.get("received", ())) > MOST_HOPS:
        return Nature.LOOP
    if _is_bounce(parts, sender or "", subject, by_program=by_program):
        return Nature.REPORT
    if _is_robot(parts, sender or "", subject):
        return Nature.AUTO_REPLY
    return Nature.MAILING_LIST if _is_list(headers) else Nature.PERSON


def marked_as_spam(headers: Headers) -> bool:
    """
    Tell whether a filter took the message for spam.

    A hint and no more: filters add their lines above or below, so it cannot be known
    that ours wrote them. Whoever forges one harms only their own message.
    """
    if any(_YES.match(headers.first(name)) for name in _SPAM_FLAGS):
        return True
    action = headers.first("x-rspamd-action").lower()
    level = headers.first("x-ms-exchange-organization-scl")
    return action in _SPAM_ACTIONS or bool(_SPAM_LEVEL.fullmatch(level))


_SPAM_FLAGS = ("x-spam-flag", "x-spam-status", "x-spam")
_YES = re.compile(r"yes\b", re.IGNORECASE)
_SPAM_ACTIONS = frozenset({"add header", "rewrite subject", "reject", "quarantine"})
_SPAM_LEVEL = re.compile(r"[5-9]")


def says_it_is_read_no_more(text: str) -> bool:
    """Tell whether a robot says that nobody reads what is sent to this address."""
    return bool(_READ_NO_MORE.search(fold(text[:_BEGINNING])))


_READ_NO_MORE = any_of(
    r"\bno longer (?:work|employ|with |at |part of|in use|use|monitor|valid|active"
    r"|read)",
    r"\b(?:has|have) left (?:the|our) (?:company|organi[sz]ation|firm|agency)\b",
    r"\bne (?:travaille|fait|consulte|lis|lit) plus\b",
    r"\bn'(?:utilise|occupe) plus\b",
    r"\bn'est plus (?:a l'emploi|en poste|parmi|chez|au service|employe|utilise"
    r"|valide|active?\b|surveille|lue?\b|consulte)",
    r"\bplus a (?:l'|notre )emploi\b",
    r"\ba quitte (?:l'|la |notre |ses |son )(?:agence|entreprise|organisation|emploi"
    r"|compagnie|fonction|poste)",
    r"\b(?:adresse|boite|address|mailbox|account)\b[^.!?\n]{0,40}\b(?:desactive"
    r"|abandonne|deactivated|disabled|retired|closed|fermee?\b)",
)
_BEGINNING = 400

# --- mail servers -----------------------------------------------------------------

_SERVER = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|mdaemon|postmaster|microsoftexchange[0-9a-f]{32})"
    r"(?:[+._-][^@]*)?@"
)
_DAEMON = re.compile(r"(?:mailer-?daemon|mail-?daemon|microsoftexchange[0-9a-f]{32})@")
_QMAIL = re.compile(r"\s*hi\. this is the (?:qmail|deliver|mail)\S*")
_GENERATED = frozenset({"auto-generated", "auto-replied"})


def _is_report(parts: Parts, *, by_program: bool) -> bool:
    """Tell a report from a person's message that has one attached."""
    kind = parts.headers.parameter("report-type", "content-type").lower()
    return kind == "delivery-status" or (bool(parts.reports) and by_program)


def _is_bounce(parts: Parts, sender: str, subject: str, *, by_program: bool) -> bool:
    headers = parts.headers
    if headers.has("x-failed-recipients") or _DAEMON.match(sender):
        return True
    if _QMAIL.match(fold("".join(parts.texts[:1])[:80])):
        return True
    if not by_program:
        return False
    automatic = _submitted(headers) == "auto-replied"
    if automatic and not _SERVER.match(sender):
        return bool(FAILURE.search(fold(subject)))
    return says_failure(parts, subject)


def _is_by_program(headers: Headers, sender: str) -> bool:
    return (
        headers.first("return-path") == "<>"
        or _submitted(headers) in _GENERATED
        or bool(_SERVER.match(sender) or _NOBODY.match(sender))
    )


def _submitted(headers: Headers) -> str:
    return headers.first("auto-submitted").partition(";")[0].strip().lower()


# --- programs that answer ---------------------------------------------------------

_NOBODY = any_of(
    r"(?:no|ne|nao|do-?not|pas-?de|sans|ne-?pas)[._-]?(?:reply|repl|repondre|reponse"
    r"|responder)\w*@",
    r"notifications?@",
    r"noreply[+._-]",
    r"no-reply[+._-]",
    r"donotreply",
    r"automate@",
    r"robot@",
    r"auto(?:reply|repondeur|responder)?@",
)
_ROBOT_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-mail-autoreply",
    "x-autogenerated",
    "x-fc-machinegenerated",
    "x-cron-env",
)
_ROBOT_PRECEDENCE = frozenset({"bulk", "junk", "auto_reply", "auto-reply"})
_ROBOT_SUBJECT = re.compile(
    r"\s*\W{0,3}(?:reponse automatique|automatic reply|autoreply|vacation reply"
    r"|auto(?:matic)?[ -]?re(?:ply|sponse)|out of (?:the )?office"
    r"|absen(?:ce|te?) du bureau|hors du bureau|message d'absence|reponse d'absence"
    r"|avis d'absence|auto\s?:|automatische antwort|abwesenheits?(?:notiz|meldung)"
    r"|abwesend\b|respuesta automatica|fuera de (?:la )?oficina|ausente de la oficina"
    r"|risposta automatica|fuori (?:sede|ufficio)|resposta automatica"
    r"|fora do escritorio|ausencia temporaria|automatisch antwoord|afwezigheid"
    r"|automatiskt svar|autosvar|automatisk svar|franvaroavisering|automaattinen"
    r"|poissa\b|odpowiedz automatyczna|nieobecnosc|automaticka odpoved"
    r"|automatikus valasz|raspuns automat|otomatik yan\w*t|автоматический ответ"
    r"|автоответ|автоматична відповідь|αυτόματη απάντηση"
    r"|自動返信|自動応答|自动回复|自動回覆|자동 ?회신|부재중|رد تلقائي|תשובה אוטומטית)"
)
# Programs that ask for a proof of life, and those that number what they receive.
_CHALLENGE = any_of(
    r"\b(?:please )?confirm (?:that )?(?:your|you sent)(?: \w+)? (?:message|e-?mail)\b",
    r"\bsender verification\b",
    r"\bverification (?:required|requise)\b",
    r"\bboxbe\b",
    r"\bspam ?arrest\b",
    r"\bvotre (?:message|courriel) est en attente\b",
    r"\bconfirm(?:ez|er|ation de) (?:votre|l'envoi)\b",
    r"\bmailinblack\b",
    r"\bdemande d'authentification de l'expediteur\b",
)
_ACKNOWLEDGED = any_of(
    r"\[?\b(?:ticket|billet|case|cas|requete|incident"
    r"|dossier client)\b ?[#:n°]{0,3} ?\d{2,}",
    r"\[[#a-z-]{0,8}\d{3,}\]",
    r"\brequest (?:received|created)\b",
    r"\baccuse de reception\b",
    r"\b(?:message|demande|requete|courriel)(?: a)?(?: bien)?(?: ete)? (?:recue?"
    r"|enregistree?|creee?)\b",
    r"\bbien (?:recu|reception)\b",
    r"\bhas been received\b",
    r"\bwe(?:'ve| have)? received your\b",
    r"\bthank you for (?:contacting|your (?:message|e-?mail))\b",
    r"\bmerci d'avoir (?:communique|contacte|ecrit)\b",
)


def _is_robot(parts: Parts, sender: str, subject: str) -> bool:
    headers, folded = parts.headers, fold(subject)
    if _says_robot(headers) or parts.machines & {"receipt", "calendar:reply"}:
        return True
    if headers.first("return-path") == "<>" or _ROBOT_SUBJECT.match(folded.lower()):
        return not _is_list_post(headers)
    if not _NOBODY.match(sender):
        return False
    said = folded + "\n" + fold("".join(parts.texts[:1])[:_BEGINNING])
    return bool(_CHALLENGE.search(said) or _ACKNOWLEDGED.search(said))


def _says_robot(headers: Headers) -> bool:
    named = any(
        headers.first(name).lower() not in {"", "no"} for name in _ROBOT_HEADERS
    )
    precedence = headers.first("precedence").lower()
    bulk = precedence in _ROBOT_PRECEDENCE and not _is_list(headers)
    rules = headers.first("x-ms-exchange-generated-message-source").lower()
    return (
        _submitted(headers) not in {"", "no"}
        or headers.kind() == ("multipart", "report")
        or rules == "mailbox rules agent"
        or named
        or bulk
    )


# --- lists and newsletters --------------------------------------------------------


def _is_list(headers: Headers) -> bool:
    return _is_list_post(headers) or headers.has("list-unsubscribe")


def _is_list_post(headers: Headers) -> bool:
    precedence = headers.first("precedence").lower()
    return headers.has("list-id") or headers.has("list-post") or precedence == "list"
