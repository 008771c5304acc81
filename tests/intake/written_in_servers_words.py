"""What mail servers say of our letters in words of their own, French and English."""

from dataclasses import replace

from tests.intake.messages import (
    ITS_RETURN_PATH,
    MARIE,
    NEW,
    OUR_LETTER,
    Case,
    a_message,
    in_english,
)
from tests.intake.written_by_servers import DAEMON, DELIVERED, FAILED, UNDER_WAY


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


CASES = (
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
        "a provider whose three sentences say the same",
        returned(
            "L'envoi de votre message a échoué. Le message n'a pas pu être délivré : "
            "destinataire inexistant.",
            subject="Message non délivré",
            sender="postmaster@fournisseur.example",
        ),
        FAILED,
    ),
    Case(
        "a provider that was unable to deliver",
        returned(
            "Sorry, we were unable to deliver your message to the following address.\n"
            f"<{MARIE}>: This user doesn't have an account here.",
            subject="Failure Notice",
        ),
        in_english(FAILED),
    ),
    Case(
        "a letter that arrived, in words",
        returned(
            f"Your message was successfully delivered to {MARIE}.",
            subject="Return receipt",
        ),
        in_english(DELIVERED),
    ),
    Case(
        "a letter that arrived, in French words",
        returned(
            f"Votre message a bien été remis à {MARIE}.",
            subject="Accusé de remise",
        ),
        DELIVERED,
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
