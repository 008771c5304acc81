"""Whom a first visitor can be on the one-machine stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Realm = Literal["personne", "entreprise", "office"]
"""The three issuers of the stand-in provider, by the first part of their addresses."""

AUDIENCES: Mapping[Realm, str] = {
    "personne": "person",
    "entreprise": "business",
    "office": "staff",
}
"""For whom each of them speaks, by the word of the settings."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody invented; *subject* is what the provider calls them."""

    realm: Realm
    subject: str
    name: str
    fr: str
    en: str
    groups: tuple[str, ...] = ()


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "personne",
        "nadia",
        "Nadia Haddad",
        "Certificat valide, il reste 40 jours.",
        "Certificate valid, 40 days left.",
    ),
    Persona(
        "personne",
        "marc",
        "Marc Pelletier",
        "Certificat expiré depuis hier; il avait un lien avec une agence.",
        "Certificate expired yesterday; he was affiliated with an agency.",
    ),
    Persona(
        "personne",
        "louise",
        "Louise Bouchard",
        "Certificat expiré, sans agence; examen réussi il y a 14 mois.",
        "Certificate expired, no agency; exam passed 14 months ago.",
    ),
    Persona(
        "personne",
        "samuel",
        "Samuel Nguyen",
        "Dossier à finaliser; l'agence ne répond pas.",
        "File to finalize; the agency does not answer.",
    ),
    Persona(
        "personne",
        "alex",
        "Alex Morin",
        "Personne nouvelle, sans dossier.",
        "New here, without a file.",
    ),
    Persona(
        "entreprise",
        "boreal",
        "Recouvrement Boréal inc.",
        "Agence titulaire du permis AR-1001.",
        "Agency, holder of permit AR-1001.",
    ),
    Persona(
        "office",
        "claire",
        "Claire Fortin",
        "Agente de l'Office : elle étudie les demandes.",
        "Officer: she looks at requests.",
        ("agents",),
    ),
    Persona(
        "office",
        "denis",
        "Denis Lavoie",
        "Agent de l'Office qui peut aussi décider un refus.",
        "Officer who may also decide a refusal.",
        ("agents", "decideurs"),
    ),
)
