"""What mail servers report of our letters (RFC 3464), and what comes beside."""

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
        "an absence with telephones and a date, and no header that says so",
        a_message(
            "Je suis en congé, ma réponse tardera jusqu'au 5.1.27. Appelez le "
            "514-555-0142 ou le 450 555-0100, poste 418.",
            subject="Re: Dossier",
            to=ITS_RETURN_PATH,
            return_path="",
        ),
        Reading(wish=Wish.NONE, nature=Nature.AUTO_REPLY),
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

CASES = REPORTS + TO_A_RETURN_PATH
