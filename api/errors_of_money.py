"""The errors about money: fees, payments, refunds; api/errors.py has the others."""

from api.wording import Wording

MONEY: dict[str, Wording] = {
    "nothing_to_pay": Wording(
        409,
        "Aucune facture n'attend de paiement dans ce dossier.",
        "No invoice waits for a payment in this file.",
    ),
    "too_late_to_renew": Wording(
        409,
        "Le dernier jour pour renouveler était le {last_day:weekday_date} : un "
        "paiement ne renouvellerait plus ce certificat. Pour revenir, ouvrez un "
        "nouveau dossier.",
        "The last day to renew was {last_day:weekday_date}: a payment would no longer "
        "renew this certificate. To come back, open a new file.",
    ),
    "exam_lapsed": Wording(
        409,
        "Le résultat de l'examen ne peut plus servir depuis le {last_day:weekday_date} "
        ": un paiement ne mènerait pas à un certificat.",
        "The exam result can no longer serve since {last_day:weekday_date}: a payment "
        "would not lead to a certificate.",
    ),
    "unlinked_too_long": Wording(
        409,
        "Le certificat a pris fin le {last_day:weekday_date}, après plus de 2 ans sans "
        "lien avec une agence : un paiement ne le ferait pas revivre. Pour revenir, "
        "ouvrez un nouveau dossier.",
        "The certificate ended on {last_day:weekday_date}, after more than 2 years "
        "without an affiliation with an agency: a payment would not bring it back. To "
        "come back, open a new file.",
    ),
    "payments_not_offered": Wording(
        503,
        "Le paiement en ligne n'est pas offert sur cette installation.",
        "Online payment is not offered on this installation.",
    ),
    "unknown_session": Wording(
        404,
        "Cette séance de paiement n'existe pas.",
        "There is no such payment session.",
    ),
    "session_settled": Wording(
        409,
        "Cette séance de paiement est déjà terminée.",
        "This payment session has already ended.",
    ),
    "already_paid": Wording(
        409,
        "Un paiement est déjà reçu pour ce dossier et se compte en ce moment : ne "
        "payez pas une seconde fois.",
        "A payment has already been received for this file and is being counted: do "
        "not pay a second time.",
    ),
    "payment_uncertain": Wording(
        503,
        "Nous ne savons pas encore comment le paiement précédent s'est terminé. Ne "
        "payez pas une seconde fois : revenez dans quelques minutes.",
        "We do not know yet how the payment before ended. Do not pay a second time: "
        "come back in a few minutes.",
    ),
    "too_much_given_back": Wording(
        409,
        "Il reste moins que ce montant à rendre de ce paiement : une autre personne "
        "vient peut-être d'en ordonner une partie.",
        "Less than this amount of the payment is left to give back: somebody else may "
        "just have ordered a part of it.",
    ),
    "provider_away": Wording(
        503,
        "Le service de paiement ne répond pas. Rien n'est payé par cette demande : "
        "revenez dans quelques minutes.",
        "The payment service does not answer. Nothing is paid by this request: come "
        "back in a few minutes.",
    ),
    "fee_in_the_past": Wording(
        422,
        "Un montant s'adopte d'avance : son premier jour est demain au plus tôt.",
        "An amount is adopted ahead: its first day is tomorrow at the earliest.",
    ),
    "fee_too_far": Wording(
        422,
        "Ce premier jour est dans plus de deux ans : vérifiez l'année.",
        "That first day is more than two years away: check the year.",
    ),
    "fee_overlaps": Wording(
        409,
        "Un montant est déjà adopté à partir de ce jour : retirez-le d'abord.",
        "An amount is already adopted from that day: withdraw it first.",
    ),
    "fee_absurd": Wording(
        422,
        "Ce montant est moins de la moitié, ou plus du double, de celui de la veille.",
        "This amount is less than half, or more than twice, that of the day before.",
    ),
    "bad_signature": Wording(
        400,
        "La signature du message n'est pas valable : rien n'est gardé.",
        "The signature of the message is not valid: nothing is kept.",
    ),
    "bad_event": Wording(
        400,
        "Le message est signé mais ne peut pas être lu.",
        "The message is signed but cannot be read.",
    ),
}
