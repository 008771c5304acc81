"""Answers as each mail program quotes, above, below and between; and phones."""

from intake.understanding import Wish
from tests.intake.messages import (
    BOTH_GIVEN,
    INTAKE,
    NEW,
    OLD,
    OTHER,
    Case,
    Reading,
    a_message,
    a_page,
    an_answer,
    in_english,
)

# What our letter said, and the answer: the expired certificate in words.
OURS = (
    "Il manque : le numéro du certificat expiré. Pour transférer votre examen, "
    f"votre nouveau dossier : {NEW}"
)
ANSWERED = Reading(
    wish=Wish.OTHER, new_dossier=NEW, expired_certificate=OLD, numbers=(OLD, NEW)
)
ANSWER = f"Voici mon certificat expiré : {OLD}"
IN_ENGLISH = f"My expired certificate is {OLD}. Thank you"


def marked(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.split("\n"))


REPLIES = (
    Case(
        "Gmail, above",
        an_answer(
            f"{ANSWER}\n\nLe ven. 15 janv. 2027 à 09:00, <{INTAKE}> a écrit :\n\n"
            + marked(OURS)
        ),
        ANSWERED,
    ),
    Case(
        "Gmail in English, its line broken",
        an_answer(
            f"{IN_ENGLISH}\n\nOn Fri, Jan 15, 2027 at 9:00 AM Office de la protection "
            f"<\n{INTAKE}> wrote:\n\n" + marked(OURS)
        ),
        in_english(ANSWERED),
    ),
    Case(
        "Outlook, above a block of headers",
        an_answer(
            f"{ANSWER}\n\n________________________________\nDe : Office <{INTAKE}>\n"
            "Envoyé : 15 janvier 2027 09:00\nÀ : Marie Lavoie\n"
            f"Objet : Dossier {NEW}\n\n{OURS}"
        ),
        ANSWERED,
    ),
    Case(
        "Outlook in English",
        an_answer(
            f"{IN_ENGLISH}\n\nFrom: Office <{INTAKE}>\nSent: Friday, January 15, 2027\n"
            f"To: Marie Lavoie\nSubject: Dossier {NEW}\n\n{OURS}"
        ),
        in_english(ANSWERED),
    ),
    Case(
        "Outlook for phones",
        an_answer(
            f"{ANSWER}\n\nObtenir Outlook pour iOS\n________________________________\n"
            f"De: Office <{INTAKE}>\nEnvoyé: vendredi\nÀ: Marie\nObjet: x\n\n{OURS}"
        ),
        ANSWERED,
    ),
    Case(
        "Apple Mail, above",
        an_answer(
            f"{ANSWER}\n\n> Le 15 janv. 2027 à 09:00, Office <{INTAKE}> a écrit :\n> \n"
            + marked(OURS)
        ),
        ANSWERED,
    ),
    Case(
        "an iPhone in HTML",
        an_answer(
            f"<div>{ANSWER}</div><div><br>Envoyé de mon iPhone</div><div><br>"
            f"<blockquote type=cite>Le 15 janv. 2027 à 09:00, Office &lt;{INTAKE}&gt; "
            f"a écrit :<br><br></blockquote></div><blockquote type=cite>{OURS}"
            "</blockquote>",
            kind="text/html",
        ),
        ANSWERED,
    ),
    Case(
        "Thunderbird, below",
        an_answer(
            f"Le 15/01/2027 à 09:00, Office a écrit :\n{marked(OURS)}\n{ANSWER}\n\n"
            "-- \nMarie Lavoie"
        ),
        ANSWERED,
    ),
    Case(
        "Thunderbird, between the lines",
        an_answer(
            "On 15/01/2027 09:00, Office wrote:\n> Il manque : le numéro du certificat"
            f" expiré.\n\n{ANSWER}\n\n> Votre nouveau dossier : {NEW}\n"
        ),
        ANSWERED,
    ),
    Case(
        "Lotus Notes",
        an_answer(
            f"{ANSWER}\n\nMarie Lavoie\n\n\n\nDe :    Office <{INTAKE}>\n"
            f"A :     Marie Lavoie\nDate :  2027-01-15 09:00\nObjet : Dossier {NEW}\n"
            f"\n\n\n{OURS}"
        ),
        ANSWERED,
    ),
    Case(
        "a webmail with its own rule",
        an_answer(
            f"{ANSWER}\n\n-----Message original-----\nDe: Office <{INTAKE}>\n"
            f"Envoyé: vendredi\nÀ: Marie\nObjet: Dossier {NEW}\n\n{OURS}"
        ),
        ANSWERED,
    ),
    Case(
        "a correction above a whole thread",
        an_answer(
            f"Je me suis trompée, certificat expiré : {OTHER}\n\n"
            f"Le 16 janv. 2027, Marie a écrit :\n{marked(ANSWER)}"
            f"> Le 15 janv. 2027, Office a écrit :\n{marked(marked(OURS))}"
        ),
        Reading(
            wish=Wish.OTHER,
            new_dossier=NEW,
            expired_certificate=OTHER,
            numbers=(OTHER, NEW),
        ),
    ),
)

PHONES = (
    Case(
        "dictated to a phone",
        a_message(
            "Bonjour je veux transférer mon examen nouveau dossier car 2027 0001 2345 "
            "certificat expiré car 2021 0006 7890 merci beaucoup bye"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a phone that signs in English",
        a_message(
            f"Transférer examen svp. nouveau {NEW} ancien {OLD}\n\nSent from my iPhone"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a phone in HTML with links on the numbers",
        a_page(
            f"<div dir=auto>Transférer mon examen svp<br>nouveau dossier <a href='tel:"
            f"202700012345'>{NEW}</a><br>ancien certificat <u>{OLD}</u></div>"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "French above, English below",
        a_message(
            f"Je veux transférer mon examen. Nouveau dossier : {NEW}.\n"
            f"My expired certificate is {OLD}.\n\nMerci et bonne journée"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "English with French names of things",
        a_message(
            "Hi, please do the transfert of my résultat d'examen. The nouveau dossier "
            f"is {NEW} and the certificat expiré is {OLD}. Thank you for your help"
        ),
        in_english(BOTH_GIVEN),
    ),
)

SIGNATURES = (
    Case(
        "a signature with telephones and a permit",
        a_message(
            f"Transférer mon examen. Nouveau dossier : {NEW}. Certificat expiré :"
            f" {OLD}.\n-- \nMarie Lavoie\nTél. 514 555-0142, poste 2027\n"
            "Permis AR-1001\nNEQ 1166 2027 00"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a number under the signature fills what is missing",
        a_message(
            f"Transférer mon examen au nouveau dossier {NEW} svp.\n-- \nMarie Lavoie\n"
            f"Certificat expiré {OLD}"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "telephones that look like numbers",
        a_message(
            "Transférer mon examen svp, appelez-moi au 202 700 012345 ou au "
            "2021-0006-7890. Je n'ai pas ma car, pardon, ma carte de 2026."
        ),
        Reading(),
    ),
)

CASES = REPLIES + PHONES + SIGNATURES
