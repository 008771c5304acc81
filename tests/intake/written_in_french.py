"""Plain French messages, as invented people write them, each with its right reading."""

from intake.understanding import Wish
from tests.intake.messages import (
    BOTH_GIVEN,
    BOTH_GIVEN_OLD_FIRST,
    NEW,
    OLD,
    OTHER,
    OUR_LETTER,
    Case,
    Reading,
    a_message,
    an_answer,
)

REQUESTS = (
    Case(
        "the words of the Office's page",
        a_message(
            f"""Bonjour,

Numéro de mon nouveau dossier : {NEW}
Je désire faire transférer le résultat de mon examen.
Numéro de mon certificat expiré : {OLD}

Merci,
Marie Lavoie
"""
        ),
        BOTH_GIVEN,
    ),
    Case(
        "one sentence with a direction",
        a_message(
            f"Svp associer mon résultat d'examen du certificat {OLD} au dossier {NEW}."
        ),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "no accents, no capitals, typos, sent by phone",
        a_message(
            f"""allo
jaimerais faire transfere mon resulta dexamen svp
mon nouveau dossier cest {NEW.lower()}
mon ancien certificat {OLD.lower()}
mercii

Envoyé de mon iPhone
"""
        ),
        BOTH_GIVEN,
    ),
    Case(
        "all capitals and an angry tone",
        a_message(
            f"""C'EST LA TROISIÈME FOIS QUE J'ÉCRIS!!! TRANSFÉREZ MON EXAMEN!
NOUVEAU DOSSIER: {NEW}. CERTIFICAT EXPIRÉ: {OLD}. C'EST INACCEPTABLE!!!
"""
        ),
        BOTH_GIVEN,
    ),
    Case(
        "numbers with spaces and dashes",
        a_message(
            "Transfert de mon examen svp\nNouveau dossier : CAR 2027 0001 2345\n"
            "Ancien certificat : car-2021-0006-7890"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "numbers with no-break spaces and no-break dashes",
        a_message(
            "Transfert de mon examen svp\n"
            "Nouveau dossier\u00a0: CAR\u00a02027\u00a00001\u00a02345\n"
            "Ancien certificat\u00a0: CAR\u20112021\u20110006\u20117890"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "very polite and long",
        a_message(
            f"""Madame, Monsieur,

J'espère que vous allez bien. Permettez-moi de solliciter votre aimable attention.
Mon certificat de représentante (numéro {OLD}) est venu à échéance pendant mon congé
de maternité. J'ai donc ouvert, comme le demande votre page, le dossier que voici :
mon nouveau dossier est le {NEW}.

Je souhaiterais que le résultat de l'examen que j'ai réussi y soit transféré.

Je vous prie d'agréer, Madame, Monsieur, l'expression de mes sentiments distingués.

Marie Lavoie
"""
        ),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "one line",
        a_message(f"transfert examen, ancien {OLD}, nouveau {NEW}"),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "the role after the number",
        a_message(
            f"{NEW} est mon nouveau dossier et {OLD} est mon certificat expiré. "
            "Pouvez-vous transférer mon résultat?"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "the role between parentheses",
        a_message(f"Transférer mon examen svp : {OLD} (expiré), {NEW} (nouveau)"),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "label on one line, number on the next",
        a_message(
            f"Transfert d'examen\n\nNouveau dossier\n{NEW}\n\nCertificat expiré\n{OLD}"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "dossier against certificat, no other word",
        a_message(f"Transférer mon examen.\nDossier : {NEW}\nCertificat : {OLD}"),
        BOTH_GIVEN,
    ),
    Case(
        "two words, two numbers, respectively",
        a_message(
            "Transférer mon examen. Ancien certificat et nouveau dossier : "
            f"{OLD} et {NEW} respectivement."
        ),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "the number in the subject only",
        a_message(
            "Bonjour, pouvez-vous transférer mon résultat d'examen? Merci",
            subject=f"Nouveau dossier {NEW}",
        ),
        Reading(new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "everything in the subject",
        a_message("", subject=f"Transfert examen de {OLD} vers {NEW}"),
        BOTH_GIVEN_OLD_FIRST,
    ),
    Case(
        "three numbers, each role said once",
        a_message(
            f"Transfert d'examen. Nouveau dossier : {NEW}\nCertificat expiré : {OLD}\n"
            f"P.-S. Ma collègue a la même question pour le sien, {OTHER}."
        ),
        Reading(new_dossier=NEW, expired_certificate=OLD, numbers=(NEW, OLD, OTHER)),
    ),
)

INCOMPLETE = (
    Case(
        "the expired certificate is missing",
        a_message(
            "Je désire faire transférer le résultat de mon examen. "
            f"Mon nouveau dossier est le {NEW}. Je ne trouve plus mon ancien numéro."
        ),
        Reading(new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "the new dossier is missing",
        a_message(f"Mon certificat {OLD} est expiré, je veux transférer mon examen."),
        Reading(expired_certificate=OLD, numbers=(OLD,)),
    ),
    Case(
        "no number at all",
        a_message("Je veux que mon examen suive dans mon dossier, transférez-le svp."),
        Reading(),
    ),
    Case(
        "nothing at all",
        a_message("", subject=""),
        Reading(wish=Wish.NONE),
    ),
)

DOUBTFUL = (
    Case(
        "two numbers and no word about them",
        a_message(f"Bonjour, transférer mon examen svp. {OLD} {NEW} Merci"),
        Reading(numbers=(OLD, NEW)),
    ),
    Case(
        "two words, two numbers, and no order said",
        a_message(
            "Transférer mon examen. "
            f"Ancien certificat et nouveau dossier : {OLD} et {NEW}"
        ),
        Reading(numbers=(OLD, NEW)),
    ),
    Case(
        "two numbers, then two words, and no order said",
        a_message(f"Transférer mon examen. {OLD} et {NEW} (ancien et nouveau)"),
        Reading(numbers=(OLD, NEW)),
    ),
    Case(
        "a number too short",
        a_message(
            f"Transférer mon examen. Nouveau dossier : {NEW}. Ancien : CAR2021000678"
        ),
        Reading(new_dossier=NEW, numbers=(NEW,), suspicious=("CAR2021000678",)),
    ),
    Case(
        "the letter O for a zero",
        a_message(
            f"Transfert examen. Certificat expiré {OLD}, nouveau CAR2O2700012345"
        ),
        Reading(
            expired_certificate=OLD, numbers=(OLD,), suspicious=("CAR2O2700012345",)
        ),
    ),
    Case(
        "the same number in both roles",
        a_message(
            f"Transfert d'examen. Nouveau dossier : {NEW}. Certificat expiré : {NEW}"
        ),
        Reading(numbers=(NEW,), contradictory=True),
    ),
    Case(
        "two new dossiers",
        a_message(f"Transfert d'examen. Nouveau dossier : {NEW} ou {OTHER}"),
        Reading(numbers=(NEW, OTHER), contradictory=True),
    ),
    Case(
        "three numbers without words",
        a_message(f"Transférer mes examens svp {OLD}, {OTHER}, {NEW}"),
        Reading(numbers=(OLD, OTHER, NEW), contradictory=True),
    ),
    Case(
        "two expired certificates",
        a_message(
            f"Transférer mon examen. Ancien certificat : {OLD}\n"
            f"Ancien certificat : {OTHER}\nNouveau dossier : {NEW}"
        ),
        Reading(numbers=(OLD, OTHER, NEW), contradictory=True),
    ),
    Case(
        "a number denied",
        a_message(
            f"Mon nouveau dossier n'est pas {OLD}, transférez mon examen ailleurs."
        ),
        Reading(numbers=(OLD,)),
    ),
    Case(
        "a signature that carries a number",
        a_message(f"Transférer mon examen svp.\n-- \nMarie Lavoie\nCertificat {OLD}"),
        Reading(numbers=(OLD,)),
    ),
)

ANSWERS = (
    Case(
        "an answer with the missing number only",
        an_answer(
            f"{OLD}\n\nLe ven. 15 janv. 2027 à 09:00, Office a écrit :\n> Bonjour"
        ),
        Reading(wish=Wish.OTHER, numbers=(OLD,)),
    ),
    Case(
        "an answer that names the missing number",
        an_answer(
            f"""Désolée! Mon certificat expiré : {OLD}

Le ven. 15 janv. 2027 à 09:00, Office <infocertificat@echeance.example> a écrit :

> Vous désirez transférer un résultat dans votre nouveau dossier : {NEW}
> Il manque : le numéro du certificat expiré.
"""
        ),
        Reading(
            wish=Wish.OTHER,
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(OLD, NEW),
        ),
    ),
    Case(
        "an answer right above the line that says who is quoted",
        an_answer(
            f"Le 3 mai il a expiré : certificat expiré {OLD}\n"
            f"Le 15 janv. 2027 à 09:00, Office a écrit :\n> Nouveau dossier : {NEW}"
        ),
        Reading(
            wish=Wish.OTHER,
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(OLD, NEW),
        ),
    ),
    Case(
        "an answer under a quotation of a quotation",
        an_answer(
            "> > Le 3 mai 2026, Luc a écrit :\n> -----Message d'origine-----\n"
            f"> De : Luc\n\nMon ancien certificat : {OLD}"
        ),
        Reading(wish=Wish.OTHER, expired_certificate=OLD, numbers=(OLD,)),
    ),
    Case(
        "an answer that corrects one of two quoted numbers",
        an_answer(
            f"""Oups je me suis trompée, c'est {OTHER}

Le 15 janv. 2027 à 09:00, Office a écrit :
> Nouveau dossier : {NEW}
> Certificat expiré : {OLD}
"""
        ),
        Reading(wish=Wish.OTHER, numbers=(OTHER,)),
    ),
    Case(
        "a thank-you above a quoted letter",
        an_answer(
            f"Merci beaucoup!\n\nOn a écrit le 3 mai :\n> Nouveau dossier : {NEW}"
        ),
        Reading(wish=Wish.OTHER, new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "an empty answer above a quoted letter",
        an_answer(f"\n> Pour transférer votre examen\n> Nouveau dossier : {NEW}"),
        Reading(wish=Wish.NONE, new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "references without a reply subject",
        a_message(
            f"Voici : certificat expiré {OLD}",
            headers=f"References: <x@y.example>\n {OUR_LETTER}\n",
        ),
        Reading(wish=Wish.OTHER, expired_certificate=OLD, numbers=(OLD,)),
    ),
)

CASES = REQUESTS + INCOMPLETE + DOUBTFUL + ANSWERS
