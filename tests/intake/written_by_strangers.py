"""Who wrote? Proven senders, doubtful ones, and those who write for somebody else."""

from dataclasses import replace

from intake.understanding import Proof, Wish
from rules.numbers import DossierNumber
from tests.intake.messages import (
    BOTH_GIVEN,
    NEW,
    OLD,
    Case,
    Reading,
    a_message,
    a_part,
    in_english,
    in_parts,
)
from tests.intake.written_by_programs import ASKED, FORWARD_HEADERS

AGENCY = '"Ressources humaines, Beauport" <RH@Beauport.example>'
PROVEN = replace(BOTH_GIVEN, authenticated=Proof.PASS)
DOUBTFUL = replace(BOTH_GIVEN, authenticated=Proof.FAIL)
FOR_ANOTHER = replace(BOTH_GIVEN, for_another=True)


def results(*said: str, by: str = "mx.echeance.example") -> str:
    return "".join(f"Authentication-Results: {by}; {each}\n" for each in said)


def asked(name: str, reading: Reading, top: str, **rest: str) -> Case:
    return Case(name, a_message(ASKED, top=top, **rest), reading)


SENDERS = (
    asked(
        "DMARC passed",
        PROVEN,
        results(
            "dmarc=pass (p=reject) header.from=courriel.example;\n\t"
            "spf=fail smtp.mailfrom=b@liste.example"
        ),
    ),
    asked(
        "DMARC failed",
        DOUBTFUL,
        results('dkim=pass header.d=courriel.example; dmarc=fail (p=none; "x")'),
    ),
    asked(
        "a signature of the same domain",
        PROVEN,
        results("dkim=pass header.d=Courriel.Example header.s=s1; dmarc=none"),
    ),
    asked(
        "a signature of the domain above",
        PROVEN,
        results("dkim=pass header.i=@courriel.example"),
        sender="marie@mobile.courriel.example",
    ),
    asked(
        "a signature of a domain below",
        BOTH_GIVEN,
        results("dkim=pass header.d=autre.courriel.example"),
    ),
    asked(
        "a signature of another domain",
        BOTH_GIVEN,
        results("dkim=pass header.d=monxcourriel.example"),
    ),
    asked(
        "an envelope of the same domain",
        PROVEN,
        results('spf=pass smtp.mailfrom="marie@courriel.example"'),
    ),
    asked(
        "an envelope of another domain",
        BOTH_GIVEN,
        results("spf=pass smtp.mailfrom=x@ailleurs.example; dkim=none"),
    ),
    asked("nothing was checked", BOTH_GIVEN, results("none")),
    asked(
        "what another server found",
        BOTH_GIVEN,
        results("dmarc=pass header.from=courriel.example", by="mx.pirate.example"),
    ),
    asked(
        "a forgery below what our server found",
        DOUBTFUL,
        results("dmarc=fail") + results("dmarc=pass"),
    ),
    asked(
        "a forgery below the trace of our server",
        BOTH_GIVEN,
        results("spf=none")
        + "Received: from a by mx.echeance.example\n"
        + results("dmarc=pass"),
    ),
    asked(
        "a line of another server above ours",
        DOUBTFUL,
        results("dmarc=pass", by="filtre.example") + results("dmarc=fail"),
    ),
    asked(
        "a line of another server between two of ours",
        BOTH_GIVEN,
        results("spf=none")
        + results("dmarc=pass", by="filtre.example")
        + results("dmarc=pass"),
    ),
    asked(
        "the name of our server in capitals, and its version",
        PROVEN,
        results("dmarc=pass", by="MX.Echeance.Example 1"),
    ),
    asked(
        "a result hidden in a comment and in a reason",
        BOTH_GIVEN,
        results('dkim=fail (; dmarc=pass) reason="x; dmarc=pass"'),
    ),
    asked(
        "a pass for another address than the sender's",
        BOTH_GIVEN,
        results("dmarc=pass header.from=ailleurs.example"),
    ),
    Case(
        "a cancellation whose sender failed",
        a_message(f"Annulez mon certificat {OLD}", top=results("dmarc=fail")),
        Reading(wish=Wish.CANCEL, numbers=(OLD,), authenticated=Proof.FAIL),
    ),
)

ON_BEHALF = (
    Case(
        "an agency employee for somebody else",
        a_message(
            f"""Bonjour, je m'occupe du personnel chez Recouvrement Beauport inc.
Veuillez transférer le résultat de l'examen de notre employé Luc Gagné.
Son nouveau dossier : {NEW}
Son certificat expiré : {OLD}
""",
            sender=AGENCY,
        ),
        FOR_ANOTHER,
    ),
    Case(
        "an agency on behalf of a representative",
        a_message(
            "Hello, on behalf of our employee Luc Gagné, please transfer the exam "
            f"result. New file: {NEW}. Expired certificate: {OLD}. Thank you",
            sender=AGENCY,
        ),
        in_english(FOR_ANOTHER),
    ),
    Case(
        "a colleague",
        a_message(
            "Bonjour, pour ma collègue qui est en congé : transférer son examen, "
            f"nouveau dossier {NEW}, certificat expiré {OLD}."
        ),
        FOR_ANOTHER,
    ),
    Case(
        "an agency that passes on what a representative wrote",
        a_message(
            "Pour vous.\n\n---------- Message transféré ---------\n"
            f"{FORWARD_HEADERS}\n{ASKED}",
            subject="TR: Mon examen",
            sender=AGENCY,
        ),
        BOTH_GIVEN,
    ),
    Case(
        "an agency for ten representatives",
        a_message(
            "Bonjour, transférer les examens de nos employés :\n"
            + "\n".join(
                f"CAR20270000{i:04} (ancien CAR20210000{i:04})" for i in range(3)
            ),
            sender=AGENCY,
        ),
        Reading(
            numbers=tuple(
                DossierNumber(f"CAR20{year}0000{i:04}")
                for i in range(3)
                for year in (27, 21)
            ),
            contradictory=True,
            for_another=True,
        ),
    ),
)

ENCLOSED = (
    Case(
        "the request in a text file",
        in_parts(
            a_part("Bonjour, voir le fichier joint. Merci"),
            a_part(
                ASKED,
                "text/plain; charset=utf-8; name=demande.txt",
                "Content-Disposition: attachment; filename=demande.txt",
            ),
        ),
        BOTH_GIVEN,
    ),
    Case(
        "the request in a page that is a file",
        in_parts(
            a_part("Bonjour"),
            a_part(
                f"<p>Transférer mon examen</p><p>Nouveau dossier : {NEW}",
                "text/html; charset=utf-8",
                "Content-Disposition: attachment; filename*=utf-8''d%C3%A9m.html",
            ),
        ),
        Reading(new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "the request in a picture",
        in_parts(
            a_part(""),
            a_part("R0lGOD", 'image/jpeg; name="lettre.jpg"'),
            subject="Ma demande",
        ),
        Reading(wish=Wish.OTHER),
    ),
    Case(
        "a file that says another number than the text",
        in_parts(
            a_part(f"Transférer mon examen. Nouveau dossier : {NEW}"),
            a_part(
                "Nouveau dossier : CAR202744444444",
                "text/plain",
                "Content-Disposition: attachment; filename=vieux.txt",
            ),
        ),
        Reading(new_dossier=NEW, numbers=(NEW,)),
    ),
)

CASES = SENDERS + ON_BEHALF + ENCLOSED
