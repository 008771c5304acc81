"""Every answer that is not a yes: its code, status and sentence, French and English.

Exception
├── Refused              this request cannot be taken; the code says why
│   └── StoryAway        no worker answers in time; nothing is confirmed
├── BadNumber            a number cannot be read (rules.numbers); found at a field
├── RequestValidationError   the request's shape is wrong; each fault at its field
├── HTTPException        no such address, wrong method
├── SQLAlchemyError      the records are away, when the connection is at fault
└── anything else        our mistake: an incident number, and the rest in the log
"""

from collections.abc import Mapping
from enum import StrEnum

from api.codes import Code
from api.errors_at_desk import DESK
from api.errors_of_money import MONEY
from api.wording import Wording


class Refused(Exception):  # noqa: N818 - named as the person is told: refused
    """This request cannot be taken; *code* is one of WORDINGS."""

    def __init__(self, code: StrEnum | str, **about: object) -> None:
        super().__init__(str(code))
        self.code = str(code)
        self.about: Mapping[str, object] = about


class StoryAway(Refused):
    """The dossier's story gave no answer in time.

    The same request with *key* may be made again: it counts once.
    """

    def __init__(self, key: str) -> None:
        super().__init__(Code.STORY_AWAY)
        self.key = key


def wait_told(refused: Refused) -> dict[str, str]:
    """Give the header that says when the same may be asked again, if that is known."""
    seconds = refused.about.get("seconds")
    return {} if seconds is None else {"Retry-After": str(seconds)}


RETRY_AFTER_S = 30
"""What a caller is asked to wait when a part of ours is away."""

WORDINGS: dict[str, Wording] = {
    **MONEY,
    **DESK,
    # ------------------------------------------------------------ the request itself
    "invalid_request": Wording(
        422,
        "La demande contient une erreur : corrigez ce qui est indiqué.",
        "The request holds a mistake: correct what is shown.",
    ),
    "bad_request": Wording(
        400,
        "La demande ne peut pas être lue.",
        "The request cannot be read.",
    ),
    "not_authenticated": Wording(
        401,
        "Identifiez-vous : un jeton valide est nécessaire.",
        "Sign in: a valid token is needed.",
    ),
    "wrong_role": Wording(
        403,
        "Votre rôle ne permet pas cette demande.",
        "Your role does not allow this request.",
    ),
    "foreign_form": Wording(
        403,
        "Ce formulaire a vieilli ou vient d'une autre page : revenez en arrière, "
        "rechargez la page et recommencez.",
        "This form has grown old or comes from another page: go back, reload the page "
        "and begin again.",
    ),
    "not_found": Wording(
        404,
        "Rien ne se trouve à cette adresse.",
        "There is nothing at this address.",
    ),
    "method_not_allowed": Wording(
        405,
        "Cette adresse ne prend pas ce genre de demande.",
        "This address does not take this kind of request.",
    ),
    "body_too_large": Wording(
        413,
        "La demande est trop longue.",
        "The request is too long.",
    ),
    "key_already_used": Wording(
        409,
        "Cette clé (Idempotency-Key) a déjà servi pour un autre contenu : "
        "prenez-en une nouvelle.",
        "This key (Idempotency-Key) was used for another content: take a new one.",
    ),
    "too_many_requests": Wording(
        429,
        "Vous avez fait beaucoup de vérifications en peu de temps. Attendez {seconds} "
        "secondes, puis recommencez.",
        "You have made many verifications in a short time. Wait {seconds} seconds, "
        "then try again.",
    ),
    "too_many_sign_ins": Wording(
        429,
        "On a essayé d'ouvrir beaucoup de sessions depuis votre connexion en peu de "
        "temps. Attendez {seconds} secondes, puis rechargez cette page : rien n'est "
        "perdu.",
        "Many sign-ins were begun from your connection in a short time. Wait {seconds} "
        "seconds, then reload this page: nothing is lost.",
    ),
    "too_many_lines": Wording(
        422,
        "La liste est trop longue : {most} lignes au plus.",
        "The list is too long: {most} lines at most.",
    ),
    # -------------------------------------------------------------------- one field
    "missing": Wording(422, "Ce champ manque.", "This field is missing."),
    "unknown_field": Wording(422, "Ce champ n'existe pas.", "There is no such field."),
    "wrong_type": Wording(
        422,
        "Cette valeur n'est pas du genre attendu.",
        "This value is not of the expected kind.",
    ),
    "malformed_json": Wording(
        422, "Ce n'est pas du JSON valide.", "This is not valid JSON."
    ),
    "too_short": Wording(422, "Cette valeur est trop courte.", "This is too short."),
    "too_long": Wording(422, "Cette valeur est trop longue.", "This is too long."),
    "out_of_range": Wording(
        422,
        "Ce nombre est trop petit ou trop grand.",
        "This number is too small or too large.",
    ),
    "not_a_choice": Wording(
        422,
        "Cette valeur ne fait pas partie des choix.",
        "This value is not one of the choices.",
    ),
    "bad_date": Wording(
        422,
        "Écrivez une date comme 2026-12-10.",
        "Write a date like 2026-12-10.",
    ),
    "bad_text": Wording(
        422,
        "Ce texte contient un caractère qui ne peut pas être gardé.",
        "This text holds a character that cannot be kept.",
    ),
    "bad_email": Wording(
        422,
        "Écrivez une adresse comme nom@exemple.ca.",
        "Write an address like name@example.ca.",
    ),
    "bad_key": Wording(
        422,
        "Une clé a de 8 à 64 lettres, chiffres, points, tirets ou traits bas.",
        "A key has 8 to 64 letters, digits, dots, dashes or underscores.",
    ),
    "bad_cursor": Wording(
        422,
        "Ce curseur ne vient pas d'ici : reprenez la liste du début.",
        "This cursor is not ours: begin the list again.",
    ),
    "bad_value": Wording(
        422,
        "Cette valeur ne peut pas être prise.",
        "This value cannot be taken.",
    ),
    # --------------------------------------------- a number that cannot be read
    "number_empty": Wording(422, "Écrivez le numéro.", "Write the number."),
    "number_too_short": Wording(
        422,
        "Ce numéro est trop court : {detail} caractères. Un numéro en a 15, comme "
        "CAR202600012345.",
        "This number is too short: {detail} characters. A number has 15, like "
        "CAR202600012345.",
    ),
    "number_too_long": Wording(
        422,
        "Ce numéro est trop long : {detail} caractères. Vérifiez-le.",
        "This number is too long: {detail} characters. Check it.",
    ),
    "number_wrong_prefix": Wording(
        422,
        "Ce numéro commence par « {detail} » : celui d'un représentant d'agent de "
        "recouvrement commence par CAR.",
        "This number begins with “{detail}”: that of a representative of a collection "
        "agent begins with CAR.",
    ),
    "number_wrong_year": Wording(
        422,
        "Après CAR, on attend une année comme 2026, pas « {detail} ».",
        "After CAR a year like 2026 is expected, not “{detail}”.",
    ),
    "number_lookalike": Wording(
        422,
        "« {detail} » ressemble à un autre caractère : vérifiez s'il s'agit d'un "
        "chiffre ou d'une lettre.",
        "“{detail}” looks like another character: check whether it is a digit or a "
        "letter.",
    ),
    "number_wrong_character": Wording(
        422,
        "« {detail} » ne peut pas faire partie de ce numéro.",
        "“{detail}” cannot be part of this number.",
    ),
    # ----------------------------------------------- what a story refuses (Refusal)
    "wrong_phase": Wording(
        409,
        "Le dossier n'en est pas à cette étape : rien n'est changé. Sa page dit ce qui "
        "peut être fait maintenant.",
        "The file is not at this step: nothing is changed. Its page says what can be "
        "done now.",
    ),
    "request_already_open": Wording(
        409,
        "Une demande de transfert est déjà à l'étude pour ce dossier.",
        "A request to transfer is already being examined for this file.",
    ),
    "same_number": Wording(
        422,
        "Le certificat expiré et le nouveau dossier ont deux numéros différents : "
        "vous avez donné deux fois le même.",
        "The expired certificate and the new file have two different numbers: you gave "
        "the same one twice.",
    ),
    "unknown_task": Wording(
        404,
        "Cette tâche n'existe pas ou elle est déjà réglée.",
        "There is no such task, or it is already settled.",
    ),
    "not_for_this_task": Wording(
        409,
        "Cette décision ne convient pas à cette tâche.",
        "This decision does not fit this task.",
    ),
    "observations_still_open": Wording(
        409,
        "La personne peut encore présenter ses observations : attendez-les, ou la fin "
        "du délai, avant de refuser.",
        "The person may still comment: wait for the comments, or for the end of the "
        "delay, before refusing.",
    ),
    "unknown_link": Wording(
        404,
        "Ce lien avec une agence n'existe pas.",
        "There is no such affiliation with an agency.",
    ),
    "link_already_there": Wording(
        409,
        "Un lien avec cette agence est déjà demandé ou en vigueur.",
        "An affiliation with this agency is already asked for or in force.",
    ),
    "link_answered": Wording(
        409,
        "L'agence a déjà répondu à cette demande : voyez son état dans vos liens.",
        "The agency has already answered this request: see your affiliations.",
    ),
    "reminded_lately": Wording(
        409,
        "Nous avons écrit à cette agence il y a peu : attendez encore quelques jours "
        "avant de lui envoyer un rappel.",
        "We wrote to this agency not long ago: wait a few more days before you have it "
        "reminded.",
    ),
    "nothing_to_correct": Wording(
        409,
        "Il n'y a rien à corriger : cette date n'existe pas, ou elle est déjà la même.",
        "There is nothing to correct: no such date, or it is the same already.",
    ),
    "absurd_date": Wording(
        422,
        "Cette date n'est pas vraisemblable : vérifiez-la.",
        "This date is not plausible: check it.",
    ),
    "unknown_dossier": Wording(
        404,
        "Aucun dossier ne porte ce numéro.",
        "No file bears this number.",
    ),
    # ----------------------------------------------------------------- what is asked
    "date_in_the_future": Wording(
        422,
        "Cette date est dans l'avenir : pour ce dossier, nous sommes le {today}.",
        "This date is in the future: for this file it is {today}.",
    ),
    "fact_contradicted": Wording(
        409,
        "Autre chose a déjà été transmis sous cet identifiant : rien n'est changé.",
        "Something else was already told under this identifier: nothing is changed.",
    ),
    "unknown_permit": Wording(
        404,
        "Aucune agence ne détient ce permis : vérifiez le numéro auprès de l'agence.",
        "No agency holds this permit: check the number with the agency.",
    ),
    "permit_not_valid": Wording(
        409,
        "Le permis de cette agence n'est pas valide : un lien avec elle ne compterait "
        "pas.",
        "The permit of this agency is not valid: an affiliation with it would not "
        "count.",
    ),
    "account_of_another_agency": Wording(
        409,
        "Votre compte répond déjà pour une autre agence : rien n'est changé. "
        "Identifiez-vous avec le compte de l'agence invitée.",
        "Your account already answers for another agency: nothing is changed. Sign in "
        "with the account of the agency that is invited.",
    ),
    "no_policy_on_that_day": Wording(
        404,
        "Aucune règle n'est connue pour ce jour.",
        "No rules are known for that day.",
    ),
    # -------------------------------------------------------------------------- mail
    "mail_not_signed": Wording(
        401,
        "La signature du message est absente, trop ancienne ou inexacte : rien n'est "
        "gardé.",
        "The signature of the message is missing, too old or wrong: nothing is kept.",
    ),
    "mail_door_busy": Wording(
        503,
        "Trop de messages arrivent en même temps : rien n'est gardé de celui-ci. "
        "Renvoyez-le plus tard.",
        "Too many messages come at once: nothing is kept of this one. Send it again "
        "later.",
    ),
    # --------------------------------------------------------------------- the world
    "story_away": Wording(
        503,
        "Le dossier ne répond pas en ce moment. Votre demande n'est pas mise en file "
        "et rien n'est confirmé : refaites-la plus tard avec la même clé "
        "(Idempotency-Key), elle ne comptera qu'une fois.",
        "The file does not answer at the moment. Your request is not queued and "
        "nothing is confirmed: make it again later with the same key "
        "(Idempotency-Key), it will count once.",
    ),
    "records_away": Wording(
        503,
        "Les dossiers ne sont pas accessibles en ce moment : rien n'est changé. "
        "Réessayez plus tard.",
        "Files cannot be reached at the moment: nothing is changed. Try again later.",
    ),
    "too_slow": Wording(
        503,
        "La réponse tarde trop. Vérifiez l'état du dossier avant de recommencer.",
        "The answer takes too long. Check the state of the file before you repeat.",
    ),
    "internal": Wording(
        500,
        "Une erreur de notre part est survenue. Donnez le numéro d'incident "
        "{incident} pour qu'on la retrouve.",
        "A mistake of ours occurred. Give the incident number {incident} so that it "
        "can be found.",
    ),
}
