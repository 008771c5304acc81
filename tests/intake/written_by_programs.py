"""Messages whose difficulty is their form: HTML, parts, forwards, charsets, robots."""

import base64

from intake.understanding import Nature, Wish
from tests.intake.messages import (
    BOTH_GIVEN,
    INTAKE,
    NEW,
    OLD,
    Case,
    Reading,
    a_message,
    a_page,
    a_part,
    an_answer,
    in_parts,
)

ASKED = (
    "Je désire transférer le résultat de mon examen.\n"
    f"Nouveau dossier : {NEW}\nCertificat expiré : {OLD}\n"
)
ASKED_HTML = ASKED.replace("\n", "<br>\n")
FORWARD_HEADERS = (
    "De : Luc Gagné <luc@courriel.example>\nDate : 14 janvier 2027 à 08:01\n"
    "Objet : Mon examen\nÀ : Marie Lavoie <marie.lavoie@courriel.example>\n"
)
ATTACHED = (
    f"From: Luc <luc@courriel.example>\nSubject: Mon examen\n"
    f"Content-Type: text/plain; charset=utf-8\n\n{ASKED}"
)
ROBOT = Reading(wish=Wish.NONE, nature=Nature.AUTO_REPLY, numbers=(NEW, OLD))

HTML = (
    Case(
        "HTML with breaks",
        a_page(f"<html><body>{ASKED_HTML}</body></html>"),
        BOTH_GIVEN,
    ),
    Case(
        "HTML table with entities, style and script",
        a_page(
            "<head><title>CAR202099999999</title><style>p{color:red}</style></head>"
            "<p>Transf&eacute;rer mon r&#233;sultat d&rsquo;examen</p>"
            "<script>var x = 'CAR202088888888';</script><table>"
            f"<tr><td>Nouveau&nbsp;dossier</td><td><b>{NEW}</b></td></tr>"
            f"<tr><td>Certificat expir&eacute;</td><td>{OLD}</td></tr></table>"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "HTML with a hidden preheader and a comment",
        a_page(
            "<div style='display: none'>Nouveau dossier CAR202077777777</div>"
            f"<!-- ancien certificat CAR202066666666 --><p>{ASKED_HTML}"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "HTML answer above a Gmail quotation",
        an_answer(
            f"<div>Certificat expiré : {OLD}</div><div class=gmail_quote>"
            "<div class=gmail_attr>Le 15 janv. 2027 à 09:00, Office &lt;a@b.example"
            "&gt; a écrit :<br></div><blockquote class=gmail_quote>Annuler ? "
            f"Votre nouveau dossier : {NEW}</blockquote></div>",
            kind="text/html",
        ),
        Reading(
            wish=Wish.OTHER,
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(OLD, NEW),
        ),
    ),
    Case(
        "HTML indented and not quoted",
        a_page(
            "<blockquote style='margin:0 0 0 40px;border:none;padding:0'>"
            f"{ASKED_HTML}</blockquote>"
        ),
        BOTH_GIVEN,
    ),
    Case(
        "HTML cut in the middle of a tag",
        a_page(f"{ASKED_HTML}<p>a < b <a href='x"),
        BOTH_GIVEN,
    ),
    Case(
        "a plain version that says to read the other one",
        in_parts(
            a_part("Votre logiciel ne lit pas le HTML."),
            a_part(ASKED_HTML, "text/html; charset=utf-8"),
            container="alternative",
        ),
        BOTH_GIVEN,
    ),
    Case(
        "the same text twice",
        in_parts(
            a_part(ASKED),
            a_part(ASKED_HTML, "text/html; charset=utf-8"),
            container="alternative",
        ),
        BOTH_GIVEN,
    ),
)

FORWARDS = (
    Case(
        "a forward from Gmail",
        a_message(
            "Bonjour, voir ci-dessous.\n\n---------- Forwarded message ---------\n"
            f"{FORWARD_HEADERS}\n\n{ASKED}",
            subject="Fwd: Mon examen",
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a forward from Apple Mail with no new word",
        a_message(
            "\n\nDébut du message transféré :\n\n> "
            + (FORWARD_HEADERS + "\n" + ASKED).replace("\n", "\n> "),
            subject="Tr : Mon examen",
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a forward from an iPhone in HTML",
        a_page(
            "<div><br>Envoyé de mon iPhone</div><blockquote type=cite><div>Début"
            f" du message transféré:<br><br><b>De:</b> Luc &lt;l@c.example&gt;<br>"
            f"<b>Objet:</b> Mon examen<br><br></div>{ASKED_HTML}</blockquote>",
            subject="TR: Mon examen",
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a forward from Outlook",
        a_message(
            "________________________________\nDe : Luc Gagné <luc@courriel.example>\n"
            "Envoyé : 14 janvier 2027 08:01\nÀ : Marie Lavoie\nObjet : Mon examen\n\n"
            f"{ASKED}",
            subject="TR : Mon examen",
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a forward as an attachment",
        in_parts(a_part("Voici le courriel."), a_part(ATTACHED, "message/rfc822")),
        BOTH_GIVEN,
    ),
    Case(
        "a letter of ours as an attachment asks for nothing",
        in_parts(
            a_part("Bonjour, je ne comprends pas ceci."),
            a_part(
                f"From: Office <{INTAKE}>\n\nPour transférer votre examen, "
                f"nouveau dossier : {NEW}",
                "message/rfc822",
            ),
        ),
        Reading(wish=Wish.OTHER, new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "a letter of ours passed on asks for nothing",
        a_message(
            "\n---------- Message transféré ---------\n"
            f"De : Office <{INTAKE}>\nDate : 14 janvier 2027\nObjet : Votre demande\n\n"
            f"Pour transférer votre examen, nouveau dossier : {NEW}\n",
            subject="TR: Votre demande",
        ),
        Reading(wish=Wish.NONE, new_dossier=NEW, numbers=(NEW,)),
    ),
    Case(
        "new numbers above a forward",
        a_message(
            f"Transférer mon examen. Nouveau dossier : {NEW}\nAncien : {OLD}\n\n"
            "-----Message d'origine-----\nDe : Luc\nEnvoyé : hier\nObjet : x\n\n"
            "Nouveau dossier : CAR202055555555",
            subject="TR: x",
        ),
        BOTH_GIVEN,
    ),
)

CHARSETS = (
    Case("Latin-1", a_message(ASKED, charset="iso-8859-1"), BOTH_GIVEN),
    Case("Windows-1252", a_message("« Été » " + ASKED, charset="cp1252"), BOTH_GIVEN),
    Case("no charset", a_message(ASKED, charset="latin-1", declared=""), BOTH_GIVEN),
    Case("a charset that lies", a_message(ASKED, declared="us-ascii"), BOTH_GIVEN),
    Case("an unknown charset", a_message(ASKED, declared="x-mars"), BOTH_GIVEN),
    Case("UTF-16", a_message(ASKED, charset="utf-16", encoding="base64"), BOTH_GIVEN),
    Case(
        "quoted-printable with soft breaks",
        a_message(ASKED, charset="latin-1", encoding="quoted-printable"),
        BOTH_GIVEN,
    ),
    Case("base64", a_message(ASKED, encoding="base64"), BOTH_GIVEN),
    Case(
        "accents apart from their letters",
        a_message(ASKED.replace("é", "e\u0301")),
        BOTH_GIVEN,
    ),
    Case(
        "a subject in encoded words",
        a_message(
            "",
            subject=f"=?utf-8?q?Transf=C3=A9rer_examen_de_{OLD}?=\n =?utf-8?b?"
            + base64.b64encode(f" à {NEW}".encode()).decode()
            + "?=",
        ),
        Reading(new_dossier=NEW, expired_certificate=OLD, numbers=(OLD, NEW)),
    ),
    Case(
        "lines broken by the program",
        a_message(
            f"Transférer mon examen. Mon nouveau \ndossier est le \n{NEW}.",
            kind="text/plain; format=flowed",
        ),
        Reading(new_dossier=NEW, numbers=(NEW,)),
    ),
)

FORMS = (
    Case(
        "attachments named strangely",
        in_parts(
            a_part(ASKED),
            a_part(
                "CAR202044444444",
                "text/plain",
                "Content-Disposition: attachment; filename*=u''%2e%2e%2f%C3%A9%00.t",
            ),
            a_part(
                "PK", 'application/zip; name="=?x?q?a?="', 'Content-Disposition: ";;"'
            ),
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a text in two pieces around a picture",
        in_parts(
            a_part(f"Transférer mon examen. Nouveau dossier : {NEW}"),
            a_part("R0lGOD", "image/gif"),
            a_part(f"Certificat expiré : {OLD}"),
        ),
        BOTH_GIVEN,
    ),
    Case(
        "a container whose boundary never comes",
        a_message(ASKED, kind='multipart/mixed; boundary="zz"', declared=""),
        Reading(
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(NEW, OLD),
            problem="broken",
        ),
    ),
    Case(
        "no header at all",
        ASKED.encode(),
        Reading(
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(NEW, OLD),
            problem="no_sender",
        ),
    ),
    Case(
        "two different senders",
        a_message(ASKED, headers="From: luc@courriel.example\n"),
        Reading(
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(NEW, OLD),
            problem="several_senders",
        ),
    ),
    Case(
        "the same sender twice",
        a_message(ASKED, headers="From: MARIE.LAVOIE@courriel.example\n"),
        BOTH_GIVEN,
    ),
    Case(
        "a group of one address",
        a_message(ASKED, sender="Agence: luc@courriel.example;"),
        BOTH_GIVEN,
    ),
    Case(
        "a group of nobody",
        a_message(ASKED, sender="undisclosed-recipients:;"),
        Reading(
            new_dossier=NEW,
            expired_certificate=OLD,
            numbers=(NEW, OLD),
            problem="no_sender",
        ),
    ),
)

CASES = HTML + FORWARDS + CHARSETS + FORMS
