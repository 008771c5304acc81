"""What mail servers say of our letters: reports of RFC 3464, and their own words."""

from dataclasses import replace

from intake.understanding import Fate, Nature, Wish
from tests.intake.messages import (
    ITS_RETURN_PATH,
    MARIE,
    NEW,
    OLD,
    OUR_LETTER,
    Case,
    Reading,
    a_message,
    a_part,
    a_report,
    in_english,
    in_parts,
)

FAILED = Reading(
    wish=Wish.NONE, nature=Nature.REPORT, letter=OUR_LETTER, fate=Fate.FAILED
)
UNDER_WAY = replace(FAILED, fate=Fate.UNDER_WAY)
DELIVERED = replace(FAILED, fate=Fate.DELIVERED)
DAEMON = "Mail Delivery System <MAILER-DAEMON@relais.example>"
# The number of our own letter's subject, which a report copies into its words.
A_REPORT = in_english(replace(FAILED, numbers=(NEW,)))


def report_of(*blocks: str, kind: str = "message/delivery-status") -> bytes:
    """A report with a block for each recipient, about a letter it does not quote."""
    return in_parts(
        a_part("This is the mail system at host relais.example."),
        a_part("\n\n".join(("Reporting-MTA: dns; relais.example", *blocks)), kind),
        container="report; report-type=delivery-status",
        sender=DAEMON,
        subject="Delivery Status Notification",
        to=ITS_RETURN_PATH,
        return_path="",
    )


def returned(
    text: str,
    *,
    subject: str,
    sender: str = DAEMON,
    to: str = ITS_RETURN_PATH,
    **rest: str,
) -> bytes:
    """A letter that came back with words and no report."""
    return a_message(
        text, subject=subject, sender=sender, to=to, return_path="", **rest
    )


REPORTS = (
    Case("a failure for good", a_report(status="5.1.1", action="failed"), A_REPORT),
    Case(
        "a delay",
        a_report(status="4.2.2", action="delayed"),
        replace(A_REPORT, fate=Fate.UNDER_WAY),
    ),
    Case(
        "a failure after days of trying",
        a_report(status="4.4.7", action="failed"),
        A_REPORT,
    ),
    Case(
        "a report that all went well",
        a_report(status="2.0.0", action="delivered"),
        replace(A_REPORT, fate=Fate.DELIVERED),
    ),
    Case(
        "a letter handed on to where nobody reports",
        a_report(status="2.1.9", action="relayed"),
        replace(A_REPORT, fate=Fate.UNDER_WAY),
    ),
    Case(
        "a letter spread by a list",
        a_report(status="2.1.5", action="expanded"),
        replace(A_REPORT, fate=Fate.UNDER_WAY),
    ),
    Case(
        "a delivery that its own code denies",
        a_report(status="5.2.2", action="delivered"),
        A_REPORT,
    ),
    Case(
        "a report without status or action",
        report_of(f"Final-Recipient: rfc822; {MARIE}\nDiagnostic-Code: smtp; 550 no"),
        in_english(FAILED),
    ),
    Case(
        "a report that says nothing at all",
        report_of(f"Final-Recipient: rfc822; {MARIE}"),
        in_english(replace(FAILED, fate=None)),
    ),
    Case(
        "fields folded over lines",
        report_of(
            f"Final-Recipient: rfc822;\n {MARIE}\nAction:\n failed\nStatus:\n\t5.1.1\n"
            " (bad destination mailbox)"
        ),
        in_english(FAILED),
    ),
    Case(
        "several addresses, one of which failed",
        report_of(
            "Final-Recipient: rfc822; a@b.example\nAction: delivered\nStatus: 2.1.5",
            "Final-Recipient: rfc822; c@d.example\nAction: failed\nStatus: 5.1.1",
        ),
        in_english(FAILED),
    ),
    Case(
        "several addresses and no line between them",
        report_of(
            "Final-Recipient: rfc822; a@b.example\nAction: delivered\nStatus: 2.1.5\n"
            "Final-Recipient: rfc822; c@d.example\nAction: delayed\nStatus: 4.4.1"
        ),
        in_english(UNDER_WAY),
    ),
    Case(
        "an international report",
        report_of(
            "Final-Recipient: utf-8; zoé@courriel.example\nAction: failed\n"
            "Status: 5.6.7\nDiagnostic-Code: smtp; 550 boîte inconnue",
            kind="message/global-delivery-status",
        ),
        in_english(FAILED),
    ),
    Case(
        "a full mailbox, for good",
        report_of(f"Final-Recipient: rfc822; {MARIE}\nAction: failed\nStatus: 5.2.2"),
        in_english(FAILED),
    ),
    Case(
        "a letter blocked by a policy",
        report_of(
            f"Original-Recipient: rfc822;{MARIE}\nFinal-Recipient: rfc822;{MARIE}\n"
            "Action: failed\nStatus: 5.7.1\n"
            "Diagnostic-Code: smtp;550 5.7.1 blocked by policy"
        ),
        in_english(FAILED),
    ),
    Case(
        "a report that quotes another letter than its return path",
        in_parts(
            a_part("Non remis."),
            a_part("Action: failed\nStatus: 5.1.1", "message/delivery-status"),
            a_part("Message-ID: <other@echeance.example>\n", "text/rfc822-headers"),
            container="report; report-type=delivery-status",
            sender=DAEMON,
            to=ITS_RETURN_PATH,
        ),
        FAILED,
    ),
    Case(
        "a report whose letter is ours among others",
        a_report(
            status="5.1.1",
            action="failed",
            copy=f"References: <x@y.example>\nMessage-ID: {OUR_LETTER}\n",
        ),
        A_REPORT,
    ),
    Case(
        "a report that carries the whole letter",
        in_parts(
            a_part("Votre courriel n'a pas pu être remis."),
            a_part("Action: failed\nStatus: 5.1.1", "message/delivery-status"),
            a_part(
                f"Message-ID: {OUR_LETTER}\nX-Echeance-Letter: finalize\n"
                "Subject: x\n\nBonjour",
                "message/rfc822",
            ),
            container="report; report-type=delivery-status",
            sender=DAEMON,
        ),
        FAILED,
    ),
    Case(
        "a report that somebody passes on",
        in_parts(
            a_part(f"Bonjour, que veut dire ceci ? Mon dossier : {OLD}"),
            a_part("Action: failed\nStatus: 5.1.1", "message/delivery-status"),
        ),
        Reading(wish=Wish.OTHER, numbers=(OLD,)),
    ),
)

IN_WORDS = (
    Case(
        "qmail",
        returned(
            "Hi. This is the qmail-send program at relais.example.\n"
            "I'm afraid I wasn't able to deliver your message to the following "
            f"addresses.\n\n<{MARIE}>:\n198.51.100.7 does not like recipient.\n"
            "Remote host said: 550 5.1.1 no such user\nGiving up on 198.51.100.7.\n\n"
            f"--- Below this line is a copy of the message.\n\nMessage-ID: {OUR_LETTER}"
            f"\nSubject: Dossier {NEW}\n",
            subject="failure notice",
            to="infocertificat@echeance.example",
        ),
        in_english(replace(FAILED, numbers=(NEW,))),
    ),
    Case(
        "qmail after days of trying",
        returned(
            "Hi. This is the qmail-send program at relais.example.\n"
            f"<{MARIE}>:\nSorry, I wasn't able to establish an SMTP connection. "
            "(#4.4.1)\nI'm not going to try again; this message has been in the queue "
            "too long.\n",
            subject="failure notice",
            sender="<>, nobody@relais.example",
        ),
        in_english(FAILED),
    ),
    Case(
        "Exim",
        returned(
            "This message was created automatically by mail delivery software.\n\n"
            "A message that you sent could not be delivered to one or more of its\n"
            f"recipients. This is a permanent error.\n\n  {MARIE}\n    Unknown user\n",
            subject="Mail delivery failed: returning message to sender",
            headers=f"X-Failed-Recipients: {MARIE}\n",
        ),
        in_english(FAILED),
    ),
    Case(
        "Exim that waits",
        returned(
            "A message that you sent has not yet been delivered to one or more of its "
            "recipients after more than 24 hours on the queue.\nNo action is required. "
            "Delivery attempts will continue for some time. Eventually the software "
            "will give up, and the message will be returned to you.\n",
            subject="Warning: message 1abc delayed 24 hours",
        ),
        in_english(UNDER_WAY),
    ),
    Case(
        "sendmail",
        returned(
            "   ----- The following addresses had permanent fatal errors -----\n"
            f"<{MARIE}>\n    (reason: 550 5.1.1 User unknown)\n",
            subject="Returned mail: see transcript for details",
        ),
        in_english(FAILED),
    ),
    Case(
        "sendmail that waits",
        returned(
            "**      THIS IS A WARNING MESSAGE ONLY      **\n"
            "**  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n451 4.4.1 timed out\n",
            subject="Warning: could not send message for past 4 hours",
        ),
        in_english(UNDER_WAY),
    ),
    Case(
        "Exchange in French",
        returned(
            "Échec de la remise pour ces destinataires ou groupes :\n\n"
            f"{MARIE}\nL'adresse de courrier que vous avez entrée est introuvable.\n"
            "Serveur distant : 550 5.1.10 RESOLVER.ADR.RecipientNotFound\n",
            subject="Non remis : Dossier, il manque un renseignement",
            sender=(
                "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e"
                "@agence.example>"
            ),
        ),
        FAILED,
    ),
    Case(
        "Exchange in English",
        returned(
            "Delivery has failed to these recipients or groups:\n\n"
            f"{MARIE}\nThe email address you entered couldn't be found.\n",
            subject="Undeliverable: Dossier",
            sender="postmaster@agence.example",
        ),
        in_english(FAILED),
    ),
    Case(
        "a mail program for everybody",
        returned(
            "Adresse introuvable\n\nVotre message n'a pas été distribué à "
            f"{MARIE}, car l'adresse n'existe pas ou ne peut pas recevoir de messages.",
            subject="Delivery Status Notification (Failure)",
            sender="Mail Delivery Subsystem <mailer-daemon@courriel.example>",
        ),
        FAILED,
    ),
    Case(
        "a mail program for everybody, in English, that tries again",
        returned(
            "Delivery incomplete\n\nThere was a temporary problem delivering your "
            f"message to {MARIE}. The server will retry for 46 more hours.",
            subject="Delivery Status Notification (Delay)",
            sender="Mail Delivery Subsystem <mailer-daemon@courriel.example>",
        ),
        in_english(UNDER_WAY),
    ),
    Case(
        "a provider at home",
        returned(
            "Bonjour,\n\nNous sommes au regret de vous informer que votre courriel n'a "
            f"pu être livré à {MARIE} : la boîte aux lettres est pleine.\n"
            "Ce courriel est généré automatiquement.",
            subject="Courriel non livré",
            sender="postmaster@fournisseur.example",
        ),
        FAILED,
    ),
    Case(
        "a provider that waits",
        returned(
            "Votre message n'a pas encore pu être remis. De nouvelles tentatives "
            "auront lieu pendant trois jours.",
            subject="Remise différée",
            sender="postmaster@fournisseur.example",
        ),
        UNDER_WAY,
    ),
    Case(
        "nothing but a reply code",
        returned(
            "550 5.1.1",
            subject="Dossier",
            sender="nobody@relais.example",
        ),
        FAILED,
    ),
    Case(
        "a temporary code in a letter that came back",
        returned(
            f"<{MARIE}>: 452 4.2.2 mailbox full",
            subject="Undelivered mail returned to sender",
        ),
        in_english(FAILED),
    ),
    Case(
        "Domino",
        returned(
            f"Your message to {MARIE} could not be delivered.\n"
            "User not listed in public address book",
            subject="DELIVERY FAILURE: User not listed in Domino Directory",
            sender="postmaster@agence.example",
        ),
        in_english(FAILED),
    ),
    Case(
        "an automatic failure sent by nobody's address",
        returned(
            "Votre courriel a été refusé : destinataire inconnu.",
            subject="Échec de remise du courriel",
            sender="ne-pas-repondre@agence.example",
            headers="Auto-Submitted: auto-generated\n",
        ),
        FAILED,
    ),
)

TO_A_RETURN_PATH = (
    Case(
        "a person whose program answers the return path",
        a_message(
            f"Mon certificat expiré : {OLD}\nMerci",
            subject="Re: Dossier : il manque un renseignement",
            to=ITS_RETURN_PATH,
        ),
        Reading(wish=Wish.OTHER, expired_certificate=OLD, numbers=(OLD,)),
    ),
    Case(
        "a person who writes of a letter that did not arrive",
        a_message(
            "Bonjour, votre lettre n'a pas pu être livrée à mon adresse. Pourquoi ?",
            to=ITS_RETURN_PATH,
        ),
        Reading(wish=Wish.OTHER),
    ),
    Case(
        "an absence at the return path",
        a_message(
            "Je suis absente jusqu'au 5 mai.",
            subject="Réponse automatique : Dossier",
            to=ITS_RETURN_PATH,
            return_path="",
            headers="Auto-Submitted: auto-replied\n",
        ),
        Reading(wish=Wish.NONE, nature=Nature.AUTO_REPLY),
    ),
)

CASES = REPORTS + IN_WORDS + TO_A_RETURN_PATH
