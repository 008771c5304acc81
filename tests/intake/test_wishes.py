"""A wish is read in any words, and only where it is said."""

import pytest

from intake.wishes import Wish, gives_an_address, speaks_for_another, wish_in

TRANSFERS = (
    "Je veux transférer mon résultat d'examen à mon nouveau dossier",
    "jaimerais faire transfere mon resulta dexamen dans le dossier",
    "Est-il possible d'associer ma note à mon nouveau dossier?",
    "rattacher à mon nouveau dossier le résultat de mon examen",
    "Pouvez-vous relier mon ancien examen au dossier que j'ai ouvert?",
    "Veuillez transmettre mon résultat d'examen au nouveau dossier",
    "Je souhaite conserver la note de mon examen dans mon nouveau dossier",
    "Est-ce que mon examen peut suivre? je veux que mon examen suive au dossier",
    "Suite à votre courriel, je demande le transfert de mon examen",
    "Quand j'ai ouvert mon dossier, on m'a dit de demander le transfert de l'examen",
    "Je suis dans les délais et je demande le transfert du résultat",
    "I would like to move my exam result to my new file",
    "Please link my old test to the new file",
    "Can I use my exam result in my new file?",
    "please carry over my exam to the file I opened",
    "I want to keep my exam result for the new file",
    "Could my exam result be moved there?",
    "Not sure how to transfer my exam",
    "I request the transfer of my certificate's exam result",
)
CANCELLATIONS = (
    "Veuillez annuler mon certificat",
    "Demande d'annulation de certificat, motif : retraite",
    "Je voudrais résilier mon certificat",
    "je renonce à mon certificat",
    "Merci de mettre fin à mon certificat",
    "Fermer mon dossier svp",
    "Please cancel my certificate, I am changing careers",
    "I want to surrender my certificate",
    "Request for cancellation: parental leave",
)
ADDRESSES = (
    "Changement d'adresse",
    "Je vous informe de mon changement d'adresse courriel",
    "Voici ma nouvelle adresse postale",
    "mon nouveau numéro de téléphone est le 418 555-0100",
    "J'ai déménagé en mars",
    "mettre à jour mes coordonnées svp",
    "Mon courriel n'est plus le même, il est rendu chez un autre fournisseur",
    "Modifier le courriel au dossier",
    "Change of address",
    "My phone number has changed",
    "I have moved to Laval",
    "my new email address is below",
    "Please update my contact information",
)
OBSERVATIONS = (
    "Je conteste votre avis",
    "je ne suis pas d'accord",
    "Mes commentaires sur le refus annoncé",
    "I disagree",
    "These are my observations",
    "Je porte plainte contre votre service",
    "I want to file a complaint",
)
OTHERS = (
    "Bonjour, avez-vous reçu ma demande?",
    "Quand aurai-je mon résultat d'examen?",
    "L'ITHQ doit vous transmettre mon résultat la semaine prochaine",
    "Je veux reporter mon examen à l'automne",
    "Je n'ai pas réussi mon examen, combien de fois puis-je le reprendre?",
    "Comment récupérer mon résultat d'examen sur le site?",
    "Où en est le transfert de mon examen?",
    "Avez-vous des nouvelles du transfert de mon dossier?",
    "J'ai changé d'agence",
    "J'ai payé par carte hier",
    "Peut-on payer par virement?",
    "Mon patron m'a transféré à un autre bureau de l'agence",
    "I moved to another agency",
    "I submitted my application, when will I get my exam result?",
    "Can you tell us my exam result?",
    "The link to see my exam result does not work",
    "When will you transfer my exam result?",
    "I paid by e-transfer, is it fine?",
    "I cannot log in with my old account",
    "How do I apply for the exam?",
    "My name has changed since I married",
    "Cancel my appointment please",
    "Annuler mon rendez-vous",
)
MIXED = (
    "Ne transférez pas mon examen",
    "Please do not cancel my certificate",
    "Annulez mon certificat et transférez mon examen au nouveau dossier",
    "Je ne veux plus transférer mon résultat",
    "Annuler ma demande de transfert de dossier",
)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        *((text, Wish.TRANSFER) for text in TRANSFERS),
        *((text, Wish.CANCEL) for text in CANCELLATIONS),
        *((text, Wish.ADDRESS) for text in ADDRESSES),
        *((text, Wish.OBSERVATIONS) for text in OBSERVATIONS),
        *((text, Wish.OTHER) for text in OTHERS),
        *((text, Wish.MIXED) for text in MIXED),
        ("", Wish.NONE),
        (" \n", Wish.NONE),
    ],
)
def test_a_wish_is_read_in_any_words(text: str, wish: Wish) -> None:
    assert wish_in(text) is wish


@pytest.mark.parametrize("text", ADDRESSES)
def test_new_coordinates_beside_a_transfer_are_noticed(text: str) -> None:
    both = f"{text}. Transférer aussi mon examen au nouveau dossier."
    assert wish_in(both) is Wish.TRANSFER
    assert gives_an_address(both)


@pytest.mark.parametrize("text", TRANSFERS)
def test_a_transfer_alone_gives_no_address(text: str) -> None:
    assert not gives_an_address(text)


@pytest.mark.parametrize(
    ("text", "for_another"),
    [
        ("Notre employée Marie Lavoie désire transférer son examen", True),
        ("Je vous écris au nom de Mme Lavoie", True),
        ("pour le compte de Luc", True),
        ("Our representative Luc would like to transfer", True),
        ("his new file is below", True),
        ("Je travaille pour une agence et je veux transférer mon examen", False),
        ("Au nom de la loi, répondez-moi", False),
        ("My agent number", False),
        ("J'ai ouvert mon nouveau dossier", False),
    ],
)
def test_who_acts_for_somebody_else_says_so(text: str, for_another: bool) -> None:
    assert speaks_for_another(text) is for_another
