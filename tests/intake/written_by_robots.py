"""What no person wrote: automatic answers, lists, newsletters, ourselves, spam."""

from dataclasses import replace

from intake.understanding import Nature, Wish
from tests.intake.messages import (
    BOTH_GIVEN,
    INTAKE,
    NEW,
    OLD,
    OUR_LETTER,
    Case,
    Reading,
    a_message,
    a_part,
    in_english,
    in_parts,
)
from tests.intake.written_by_programs import ASKED

ROBOT = Reading(wish=Wish.NONE, nature=Nature.AUTO_REPLY)
THAT_NAMES_BOTH = replace(ROBOT, numbers=(NEW, OLD))
OURSELVES = replace(THAT_NAMES_BOTH, nature=Nature.OWN_MAIL)
A_LIST = Reading(wish=Wish.OTHER, nature=Nature.MAILING_LIST)
NOBODY = "Ne pas répondre <no-reply@agence.example>"


def absent(language: str, subject: str, text: str = "…") -> Case:
    return Case(f"an absence in {language}", a_message(text, subject=subject), ROBOT)


ABSENCES = (
    Case(
        "an automatic answer by its header",
        a_message(ASKED, headers="Auto-Submitted: auto-replied\n"),
        THAT_NAMES_BOTH,
    ),
    Case(
        "a person whose program says no robot",
        a_message(ASKED, headers="Auto-Submitted: no\nX-Autoreply: no\n"),
        BOTH_GIVEN,
    ),
    Case(
        "an old automatic answer",
        a_message(ASKED, headers="X-Autoreply: yes\n"),
        THAT_NAMES_BOTH,
    ),
    Case("bulk mail", a_message(ASKED, headers="Precedence: bulk\n"), THAT_NAMES_BOTH),
    Case(
        "a rule of Exchange",
        a_message(
            ASKED,
            headers="X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\n",
        ),
        THAT_NAMES_BOTH,
    ),
    Case(
        "an empty return path",
        a_message(ASKED, return_path=""),
        THAT_NAMES_BOTH,
    ),
    Case(
        "an absence in encoded words",
        a_message(ASKED, subject="=?iso-8859-1?Q?R=E9ponse_automatique_:_x?="),
        THAT_NAMES_BOTH,
    ),
    absent("French", "Absence du bureau : Luc"),
    Case(
        "an absence in English",
        a_message("I am out until Monday.", subject="Out of Office: Luc"),
        in_english(ROBOT),
    ),
    absent("German", "Automatische Antwort: Dossier"),
    absent("Spanish", "Respuesta automática: Dossier"),
    absent("Italian", "Risposta automatica: Dossier"),
    absent("Portuguese", "Resposta automática: Dossier"),
    absent("Dutch", "Automatisch antwoord: Dossier"),
    absent("Russian", "Автоматический ответ: Dossier"),
    absent("Chinese", "自动回复: Dossier"),
    absent("Arabic", "رد تلقائي: Dossier"),
    Case(
        "a stoppage told by a person",
        a_message(
            f"Je serai en arrêt de travail jusqu'en mai. Mon certificat : {OLD}",
            subject="Absence prolongée",
        ),
        Reading(wish=Wish.OTHER, numbers=(OLD,)),
    ),
    Case(
        "a mailbox that nobody reads any more",
        a_message(
            "Luc Gagné ne travaille plus pour notre agence. Ce message ne sera pas lu.",
            subject="Réponse automatique : Dossier",
            headers=f"Auto-Submitted: auto-replied\nIn-Reply-To: {OUR_LETTER}\n",
        ),
        replace(ROBOT, read_no_more=True),
    ),
    Case(
        "a mailbox that is no longer read, in English",
        a_message(
            "This address is no longer monitored. Thank you",
            headers="Auto-Submitted: auto-replied\n",
        ),
        in_english(replace(ROBOT, read_no_more=True)),
    ),
)

PROGRAMS = (
    Case(
        "a read receipt",
        in_parts(
            a_part("Votre message a été lu."),
            a_part(
                "Disposition: manual-action/MDN-sent-manually; displayed",
                "message/disposition-notification",
            ),
            container="report; report-type=disposition-notification",
            subject="Lu : Dossier",
        ),
        ROBOT,
    ),
    Case(
        "a complaint that a reader's program sends",
        in_parts(
            a_part("This is an abuse report."),
            a_part("Feedback-Type: abuse", "message/feedback-report"),
            container="report; report-type=feedback-report",
        ),
        in_english(ROBOT),
    ),
    Case(
        "an answer to an invitation",
        in_parts(
            a_part("Marie Lavoie a accepté cette invitation."),
            a_part("BEGIN:VCALENDAR", "text/calendar; method=REPLY"),
            container="alternative",
            subject="Accepté : dernier jour",
        ),
        ROBOT,
    ),
    Case(
        "an answer to an invitation that says so inside",
        in_parts(
            a_part("Accepté"),
            a_part("BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR", "text/calendar"),
        ),
        ROBOT,
    ),
    Case(
        "an invitation from a person",
        in_parts(
            a_part("Pouvons-nous nous parler mardi ?"),
            a_part("BEGIN:VCALENDAR\nMETHOD:REQUEST", "text/calendar"),
        ),
        Reading(wish=Wish.OTHER),
    ),
    Case(
        "a proof of life asked for",
        a_message(
            "Votre message est en attente. Confirmez l'envoi en cliquant ici.",
            sender=NOBODY,
            subject="Demande d'authentification de l'expéditeur",
        ),
        ROBOT,
    ),
    Case(
        "a ticket opened",
        a_message(
            "We have received your message and opened a ticket.",
            sender=NOBODY,
            subject="[Ticket #48213] Re: Dossier",
            headers=f"References: {OUR_LETTER}\n",
        ),
        in_english(ROBOT),
    ),
    Case(
        "a request received",
        a_message(
            "Bonjour, nous avons bien reçu votre courriel. Merci.",
            sender=NOBODY,
            subject="Votre demande a bien été reçue",
        ),
        ROBOT,
    ),
    Case(
        "a program that sends what a person asks",
        a_message(ASKED, sender=NOBODY, subject="Demande de transfert"),
        BOTH_GIVEN,
    ),
)

LISTS = (
    Case(
        "a mailing list",
        a_message(
            "Bonjour à tous", headers="List-Id: <agents.example>\nPrecedence: bulk\n"
        ),
        A_LIST,
    ),
    Case(
        "a newsletter",
        a_message(
            "Bonjour, nos offres du mois. Se désabonner",
            headers="List-Unsubscribe: <https://nouvelles.example/x>\n",
        ),
        A_LIST,
    ),
    Case(
        "a person through a list",
        a_message(ASKED, headers="List-Post: <mailto:bureau@agence.example>\n"),
        replace(BOTH_GIVEN, nature=Nature.MAILING_LIST),
    ),
)

OURS = (
    Case(
        "our own letter come back",
        a_message(ASKED, headers="X-Echeance-Letter: items_missing\n"),
        OURSELVES,
    ),
    Case(
        "our own address as the sender",
        a_message(ASKED, sender=f"Office <{INTAKE.upper()}>"),
        OURSELVES,
    ),
    Case(
        "our return address as the sender",
        a_message(ASKED, sender="retour@echeance.example"),
        OURSELVES,
    ),
    Case(
        "a copy of our letter in its own thread",
        a_message(
            ASKED,
            headers=f"References: {OUR_LETTER}\nX-Echeance-Letter: finalize\n",
        ),
        OURSELVES,
    ),
    Case(
        "a message that servers pass round",
        a_message(
            ASKED,
            top="".join(f"Received: from a{i} by b{i}\n" for i in range(31)),
        ),
        replace(THAT_NAMES_BOTH, nature=Nature.LOOP),
    ),
    Case(
        "a message that went through many servers",
        a_message(
            ASKED,
            top="".join(f"Received: from a{i} by b{i}\n" for i in range(30)),
        ),
        BOTH_GIVEN,
    ),
)

SPAM = (
    Case(
        "spam by its flag",
        a_message(
            "Bonjour, gagnez une carte-cadeau.",
            top="X-Spam-Flag: YES\n",
            sender="gagnant@pourriel.example",
        ),
        Reading(wish=Wish.OTHER, spam=True),
    ),
    Case(
        "spam by its status",
        a_message(
            "You have won!",
            top="X-Spam-Status: Yes, score=14.2 required=5.0 tests=A,B\n",
        ),
        in_english(Reading(wish=Wish.OTHER, spam=True)),
    ),
    Case(
        "spam by an action",
        a_message("…", top="X-Rspamd-Action: add header\n"),
        Reading(wish=Wish.OTHER, spam=True),
    ),
    Case(
        "no spam, says the filter",
        a_message(ASKED, top="X-Spam-Flag: NO\nX-Spam-Status: No, score=-1.0\n"),
        BOTH_GIVEN,
    ),
    Case(
        "a request taken for spam",
        a_message(ASKED, top="X-Spam: Yes\n"),
        replace(BOTH_GIVEN, spam=True),
    ),
)

CASES = ABSENCES + PROGRAMS + LISTS + OURS + SPAM
