"""The errors of officers: who decides, hands of tasks, letters and copies once more."""

from api.wording import Wording

DESK: dict[str, Wording] = {
    "same_officer": Wording(
        403,
        "Vous avez donné l'avis : une autre personne doit décider le refus.",
        "You gave the notice: another person must decide the refusal.",
    ),
    "task_in_other_hands": Wording(
        409,
        "Entre-temps, la tâche a changé de mains : rien n'a été fait.",
        "Meanwhile the task has changed hands: nothing was done.",
    ),
    "unknown_colleague": Wording(
        422,
        "Cette personne ne peut pas recevoir la tâche : il faut un collègue qui s'est "
        "identifié ici dans les 90 derniers jours, et qui ne l'a pas déjà.",
        "This person cannot be given the task: it takes a colleague who signed in here "
        "in the last 90 days, and who does not have it already.",
    ),
    "letter_on_its_way": Wording(
        409,
        "Cette lettre n'a pas fini son chemin, ou elle a été retirée : on n'envoie de "
        "nouveau que ce qui est parti, ou ce qu'une adresse a refusé.",
        "This letter has not ended its way, or was withdrawn: only what has left, or "
        "what an address refused, is sent once more.",
    ),
    "no_certificate_in_term": Wording(
        409,
        "Aucun certificat n'est en cours ou à venir dans ce dossier : un certificat "
        "qui a pris fin n'est pas imprimé de nouveau.",
        "No certificate is running or to come in this file: a certificate that has "
        "ended is not printed again.",
    ),
    "name_not_printable": Wording(
        409,
        "Le certificat ne peut pas être imprimé : aucune police ne montre tous les "
        "caractères du nom. Faites d'abord corriger le nom.",
        "The certificate cannot be printed: no font shows every character of the "
        "name. Have the name corrected first.",
    ),
    "no_address_on_file": Wording(
        409,
        "Aucune adresse n'est inscrite : il n'y a personne à qui écrire.",
        "No address is on file: there is nobody to write to.",
    ),
    "letter_no_longer_true": Wording(
        409,
        "Cette lettre ne part plus : ce qu'elle dit n'est plus vrai pour ce dossier.",
        "This letter no longer leaves: what it says is no longer true of this file.",
    ),
    "letter_out_of_its_window": Wording(
        409,
        "Cette lettre ne part plus : le temps où elle servait est passé. Une lettre "
        "plus récente dit ce qu'on peut encore faire.",
        "This letter no longer leaves: the time in which it served is over. A later "
        "letter says what can still be done.",
    ),
    "letter_of_another_address": Wording(
        409,
        "Cette lettre est liée à une autre adresse : elle ne part nulle part ailleurs. "
        "La personne refait la demande dans son compte.",
        "This letter belongs to another address: it goes nowhere else. The person asks "
        "again in the account.",
    ),
}
