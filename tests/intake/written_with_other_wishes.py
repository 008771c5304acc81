"""Messages that ask for something else than a transfer, each with its right reading."""

from dataclasses import replace

from intake.understanding import Wish
from rules.numbers import DossierNumber
from tests.intake.messages import (
    NEW,
    OLD,
    OUR_LETTER,
    Case,
    Reading,
    a_message,
    a_page,
    an_answer,
    in_english,
)


def says(wish: Wish, *numbers: DossierNumber, new: bool = False) -> Reading:
    """A reading without roles; *new* gives the first number the role of new dossier."""
    return Reading(wish=wish, numbers=numbers, new_dossier=numbers[0] if new else None)


def in_french(name: str, text: str, reading: Reading, **rest: str) -> Case:
    return Case(name, a_message(text, **rest), reading)


def english(name: str, text: str, reading: Reading, **rest: str) -> Case:
    return Case(name, a_message(text, **rest), in_english(reading))


CANCELLATIONS = (
    in_french(
        "a cancellation with its reason",
        f"Je souhaite annuler mon certificat {OLD}, je prends ma retraite.",
        says(Wish.CANCEL, OLD),
    ),
    in_french(
        "a cancellation as the Office's page asks for it",
        f"Nom : Marie Lavoie\nNuméro de dossier : {OLD}\nMotif : je quitte le métier "
        "pour plus de deux ans.\nVeuillez annuler mon certificat.",
        says(Wish.CANCEL, OLD),
    ),
    in_french(
        "a cancellation in the subject, its reason in the text",
        "Je retourne aux études, merci. Marie Lavoie",
        says(Wish.CANCEL, OLD),
        subject=f"Annulation du certificat {OLD}",
    ),
    in_french(
        "a cancellation by letter of resignation",
        f"Par la présente je renonce à mon certificat {OLD}. Motif : maladie.",
        says(Wish.CANCEL, OLD),
    ),
    english(
        "a cancellation",
        f"Please cancel my certificate {OLD}. I am leaving the trade. Thanks",
        says(Wish.CANCEL, OLD),
    ),
    Case(
        "a cancellation in a page",
        a_page(
            f"<p>Dear Sir,</p><p>I wish to <b>cancel</b> my certificate</p><ul><li>"
            f"{OLD}</li><li>reason: parental leave of three years</li></ul>"
        ),
        in_english(says(Wish.CANCEL, OLD)),
    ),
    in_french(
        "a cancellation denied",
        "Je ne veux surtout pas annuler mon certificat!",
        says(Wish.MIXED),
    ),
    in_french(
        "a question about a cancelled certificate",
        "Pourquoi mon certificat a-t-il été annulé? Il a été annulé hier.",
        says(Wish.OTHER),
    ),
    in_french(
        "two wishes at once",
        "Transférez mon examen à un ami puis annulez mon certificat.",
        says(Wish.MIXED),
    ),
    english(
        "the cancellation of something else",
        "I need to cancel my appointment of Monday. Thanks",
        says(Wish.OTHER),
    ),
)

ADDRESSES = (
    in_french(
        "a move to another town",
        "Bonjour, je déménage au 12, rue des Érables à Rimouski le 1er mai.",
        says(Wish.ADDRESS),
    ),
    in_french(
        "a new e-mail address",
        f"Mon nouveau courriel est marie@ailleurs.example (dossier {OLD}). Merci",
        says(Wish.ADDRESS, OLD),
    ),
    in_french(
        "a change of coordinates",
        "Je voudrais modifier mes coordonnées au dossier, svp.",
        says(Wish.ADDRESS),
    ),
    in_french(
        "a telephone that has changed",
        f"Dossier {OLD} : mon numéro de téléphone a changé, c'est le 514 555-0142.",
        says(Wish.ADDRESS, OLD),
    ),
    english(
        "a new mailing address",
        f"Please note my new mailing address for file {OLD}: 5 Main Street, Gatineau.",
        says(Wish.ADDRESS, OLD),
    ),
    english(
        "an e-mail to update",
        "Hello, please update the e-mail in my file, the old one is closed. Thanks",
        says(Wish.ADDRESS),
    ),
    in_french(
        "a transfer that also gives an address",
        f"Transférer mon examen. Nouveau dossier : {NEW}. Certificat expiré : {OLD}.\n"
        "Notez aussi ma nouvelle adresse : 12, rue des Érables, Rimouski.",
        replace(
            says(Wish.TRANSFER, NEW, OLD, new=True),
            expired_certificate=OLD,
            gives_an_address=True,
        ),
    ),
    in_french(
        "an address that is no news",
        f"Je n'ai rien reçu à mon adresse courriel pour le dossier {OLD}.",
        says(Wish.OTHER, OLD),
    ),
)

AGENCIES = (
    in_french(
        "a move to another agency is no transfer",
        "Mon patron m'a transférée à une autre agence. Et mon certificat?",
        says(Wish.OTHER),
    ),
    in_french(
        "a change of agency",
        f"J'ai changé d'agence le 4 janvier, je suis maintenant chez un autre "
        f"employeur. Dossier {OLD}.",
        says(Wish.OTHER, OLD),
    ),
    english(
        "a new employer",
        f"I moved to another agency last week. My file is {OLD}.",
        says(Wish.OTHER, OLD),
    ),
    in_french(
        "the end of a link",
        f"Je ne travaille plus pour mon agence depuis lundi (certificat {OLD}).",
        says(Wish.OTHER, OLD),
    ),
)

PAYMENTS = (
    in_french(
        "a payment is no transfer",
        f"Puis-je payer la facture du dossier {NEW} par virement Interac?",
        says(Wish.OTHER, NEW),
    ),
    in_french(
        "a payment made",
        f"Bonjour, j'ai payé hier pour le dossier {NEW}, voici le reçu no 88231-00.",
        says(Wish.OTHER, NEW),
    ),
    english(
        "a proof of payment",
        f"Hi, here is the proof of my payment of $185 for the file {NEW}. Thank you",
        says(Wish.OTHER, NEW),
    ),
)

EXAMS = (
    in_french(
        "a result awaited",
        f"Quand vais-je recevoir le résultat de mon examen? Mon dossier : {NEW}",
        says(Wish.OTHER, NEW),
    ),
    in_french(
        "an exam to be moved to another day",
        "Je dois reporter mon examen au mois de mai, à qui dois-je écrire?",
        says(Wish.OTHER),
    ),
    english(
        "a result that cannot be seen",
        "Hello, I submitted my application in May. Can you tell us where the link to "
        "see my exam result is?",
        says(Wish.OTHER),
    ),
    english(
        "news of a transfer asked for before",
        f"When will the transfer of my exam result to file {NEW} be done? Thank you",
        says(Wish.OTHER, NEW, new=True),
    ),
    in_french(
        "an old result to be used again",
        "Je veux réutiliser mon ancien résultat d'examen dans le nouveau dossier "
        f"{NEW}",
        says(Wish.TRANSFER, NEW, new=True),
    ),
)

DISAGREEMENTS = (
    in_french(
        "observations on an intended refusal",
        "Je ne suis pas d'accord avec le refus de transférer mon résultat. "
        f"Mon dossier est {NEW}. J'étais liée à mon agence le dernier jour.",
        says(Wish.OBSERVATIONS, NEW),
    ),
    in_french(
        "observations announced by name",
        f"Voici mes observations pour le dossier {NEW}.",
        says(Wish.OBSERVATIONS, NEW),
    ),
    Case(
        "observations in answer to the notice",
        an_answer(
            "Bonjour, mes observations : j'avais un lien avec mon agence jusqu'au "
            "9 décembre, voyez la pièce jointe.",
            subject=f"RE: Dossier {NEW} : nous pensons refuser",
        ),
        says(Wish.OBSERVATIONS, NEW),
    ),
    english(
        "disagreement",
        f"I disagree with your notice about the file {NEW}: I passed in May.",
        says(Wish.OBSERVATIONS, NEW),
    ),
    english(
        "comments on the intended refusal",
        "Here are my comments on the intended refusal to transfer my result.",
        says(Wish.OBSERVATIONS),
    ),
    in_french(
        "a complaint",
        f"Je veux porter plainte : trois mois d'attente pour le dossier {NEW}!",
        says(Wish.OBSERVATIONS, NEW),
    ),
    english(
        "a complaint about the service",
        "This is a formal complaint about the way I was treated on the phone.",
        says(Wish.OBSERVATIONS),
    ),
)

OTHERS = (
    in_french(
        "a request to stop the transfer",
        f"Finalement, ne transférez pas mon examen au dossier {NEW}.",
        says(Wish.MIXED, NEW, new=True),
    ),
    english(
        "a person who wants no transfer any more",
        f"Please do not transfer my exam to file {NEW} after all.",
        says(Wish.MIXED, NEW, new=True),
    ),
    in_french(
        "a question",
        "Quelles sont vos heures d'ouverture pendant les Fêtes?",
        says(Wish.OTHER),
    ),
    english(
        "an application for a job",
        "Dear Sir, please find my resume for the position of clerk.",
        says(Wish.OTHER),
    ),
    Case(
        "a name that has changed",
        a_page(
            "<p>Je me suis mariée : mon nom est maintenant Lavoie-Roy.<br>"
            f"Dossier {OLD}"
        ),
        says(Wish.OTHER, OLD),
    ),
    Case(
        "a thank-you in a thread",
        a_message("Merci beaucoup!", headers=f"References: {OUR_LETTER}\n"),
        says(Wish.OTHER),
    ),
)

CASES = CANCELLATIONS + ADDRESSES + AGENCIES + PAYMENTS + EXAMS + DISAGREEMENTS + OTHERS
