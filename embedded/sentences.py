"""What the launcher says to the person at the terminal, in French or in English."""

import os
from collections.abc import Mapping

SENTENCES: Mapping[str, tuple[str, str]] = {
    "part.postgres": ("PostgreSQL", "PostgreSQL"),
    "part.temporal": ("Temporal", "Temporal"),
    "part.migrations": ("Migrations", "Migrations"),
    "part.worker": ("Exécutant (worker)", "Worker"),
    "part.api": ("API", "API"),
    "part.intake": ("Réception du courrier", "Mail intake"),
    "part.sign_in": ("Identification (de rechange)", "Stand-in sign-in"),
    "part.inbox": ("Boîte de courriel", "Mail catcher"),
    "ready": ("{part} : prêt en {seconds:.1f} s", "{part}: ready in {seconds:.1f} s"),
    "restarted": (
        "{part} : arrêté ({how}) ; relancé",
        "{part} stopped ({how}); started again",
    ),
    "died": (
        "{part} : arrêté ({how}) ; nouvelle tentative",
        "{part} stopped ({how}); trying again",
    ),
    "how.signal": ("signal {number}", "signal {number}"),
    "how.code": ("code {number}", "exit code {number}"),
    "how.gone": ("disparu", "gone"),
    "failed": (
        "{part} n'a pas démarré ({why}). Dernières lignes de {log} :\n{lines}",
        "{part} did not start ({why}). Last lines of {log}:\n{lines}",
    ),
    "why.slow": ("pas prêt après {seconds:.0f} s", "not ready after {seconds:.0f} s"),
    "busy": (
        (
            "Le port {port} ({use}) est déjà pris : arrêtez le programme qui "
            "l'occupe, ou "
            "choisissez-en un autre avec {variable}=<port>, ou ECHEANCE_PORTS=auto."
        ),
        (
            "Port {port} ({use}) is taken: stop the program that holds it, or choose "
            "another one with {variable}=<port>, or ECHEANCE_PORTS=auto."
        ),
    ),
    "bad_port": (
        "{variable}={value} n'est pas un port : donnez un nombre de 1 à 65535.",
        "{variable}={value} is not a port: give a number from 1 to 65535.",
    ),
    "running": (
        (
            "Échéance tourne déjà ici (processus {pid}) : {url} ; arrêtez-la "
            "par Ctrl-C "
            "dans son terminal."
        ),
        (
            "Échéance already runs here (process {pid}): {url}; stop it with Ctrl-C in "
            "its terminal."
        ),
    ),
    "python": (
        (
            "Python {version} ne convient pas : installez Python 3.11, 3.12 ou 3.13 et "
            "lancez make PYTHON=python3.13 run."
        ),
        (
            "Python {version} does not fit: install Python 3.11, 3.12 or 3.13 and run "
            "make PYTHON=python3.13 run."
        ),
    ),
    "not_writable": (
        (
            "Impossible d'écrire dans {folder} : donnez-vous le droit d'y écrire, ou "
            "choisissez un autre dossier avec ECHEANCE_DATA_DIR=<dossier>."
        ),
        (
            "Cannot write in {folder}: give yourself the right to, or choose another "
            "folder with ECHEANCE_DATA_DIR=<folder>."
        ),
    ),
    "no_space": (
        (
            "Il ne reste que {free} Mo sur le disque de {folder} : libérez au moins "
            "{needed} Mo, ou choisissez un autre dossier avec "
            "ECHEANCE_DATA_DIR=<dossier>."
        ),
        (
            "Only {free} MB are left on the disk of {folder}: free at least "
            "{needed} MB, "
            "or choose another folder with ECHEANCE_DATA_DIR=<folder>."
        ),
    ),
    "no_binary": (
        (
            "Le programme {program} est introuvable ou ne s'exécute pas : réinstallez "
            "l'environnement (supprimez .venv, puis make run)."
        ),
        (
            "The program {program} is missing or does not run: install the environment "
            "again (remove .venv, then make run)."
        ),
    ),
    "no_nobody": (
        (
            "PostgreSQL refuse de tourner en root et le compte « nobody » "
            "n'existe pas : "
            "créez-le, ou lancez Échéance avec un compte ordinaire."
        ),
        (
            "PostgreSQL refuses to run as root and there is no account "
            "“nobody”: create "
            "it, or run Échéance from an ordinary account."
        ),
    ),
    "elsewhere": (
        (
            "Données de PostgreSQL : {folder} (root, et {checkout} est fermé "
            "aux autres "
            "comptes)"
        ),
        (
            "PostgreSQL's data: {folder} (root, and {checkout} is closed to other "
            "accounts)"
        ),
    ),
    "all_well": ("Tout est en ordre.", "All is well."),
    "stopping": (
        "Arrêt… (Ctrl-C encore une fois : arrêt immédiat)",
        "Stopping… (Ctrl-C once more: at once)",
    ),
    "stopped": ("Tout est arrêté.", "All is stopped."),
    "addresses": ("Adresses", "Addresses"),
    "address.api": ("Service et API", "Service and API"),
    "address.inbox": ("Courriels envoyés", "Letters sent"),
    "address.lmtp": ("Courriels reçus (LMTP)", "Mail received (LMTP)"),
    "address.temporal": ("Temporal", "Temporal"),
    "address.postgres": ("PostgreSQL", "PostgreSQL"),
    "address.tokens": ("Jetons de développement", "Development tokens"),
    "address.logs": ("Journaux", "Logs"),
    "leave": (
        "Ctrl-C pour arrêter ; « make reset » pour tout oublier.",
        "Ctrl-C to stop; “make reset” to forget everything.",
    ),
    "try": (
        (
            "Pour essayer : ouvrez le service, puis une session comme Marc (certificat "
            "expiré hier), Nadia, Louise ou Samuel. Claire, de l'Office, ouvre tout "
            "dossier, ceux des histoires aussi."
        ),
        (
            "To try it: open the service and sign in as Marc (certificate expired "
            "yesterday), Nadia, Louise or Samuel. Claire, of the Office, opens any "
            "dossier, those of the stories too."
        ),
    ),
    "demo_failed": (
        "La démonstration a échoué (code {code}) ; la pile reste en marche.",
        "The demonstration failed (code {code}); the stack stays up.",
    ),
    "reset_running": (
        (
            "Échéance tourne encore (processus {pid}) : arrêtez-la par Ctrl-C, puis "
            "recommencez."
        ),
        "Échéance still runs (process {pid}): stop it with Ctrl-C, then try again.",
    ),
    "reset_done": ("Oublié : {folder}", "Forgotten: {folder}"),
    "backup.made": (
        (
            "Copie faite dans {folder}, vérifiable par {manifest}. Elle contient "
            "des secrets et des renseignements personnels : gardez-la en lieu "
            "sûr."
        ),
        (
            "Copy made in {folder}, to be checked by {manifest}. It holds secrets"
            " and personal information: keep it in a safe place."
        ),
    ),
    "backup.not_empty": (
        "Le dossier {folder} n'est pas vide : donnez-en un nouveau.",
        "The folder {folder} is not empty: give a new one.",
    ),
    "backup.nothing": (
        ("Il n'y a rien à copier dans {folder} : Échéance n'y a jamais démarré."),
        ("There is nothing to copy in {folder}: Échéance has never started there."),
    ),
    "backup.failed": (
        "La copie n'a pas pu être faite : {why}",
        "The copy could not be made: {why}",
    ),
    "backup.foreign": (
        "{folder} n'est pas une copie d'Échéance, ou elle est incomplète.",
        "{folder} is not a copy of Échéance, or it is not complete.",
    ),
    "backup.damaged": (
        (
            "La copie {folder} est abîmée : {file} n'est pas celui qui y fut mis."
            " Rien n'est changé."
        ),
        (
            "The copy {folder} is damaged: {file} is not what was put there. "
            "Nothing is changed."
        ),
    ),
    "backup.newer": (
        (
            "Cette copie vient d'une autre version (tables {revision}) : "
            "reprenez-la avec cette version-là, ou une plus récente."
        ),
        (
            "This copy comes from another version (tables {revision}): put it "
            "back with that version, or a newer one."
        ),
    ),
    "restore.would": (
        (
            "Copie du {at}, tables {revision}, intacte. Elle prendrait la place "
            "de ce que contient {folder} ; ce qui fut reçu depuis serait oublié. "
            "Rien n'est changé : ajoutez --yes pour le faire."
        ),
        (
            "Copy of {at}, tables {revision}, sound. It would take the place of "
            "what {folder} holds; whatever came in since would be forgotten. "
            "Nothing is changed: add --yes to do it."
        ),
    ),
    "restore.done": (
        (
            "La copie du {at} est en place dans {folder}. Démarrez, puis : python"
            " cli.py reconcile --once --rebuild"
        ),
        (
            "The copy of {at} is in place in {folder}. Start, then: python cli.py"
            " reconcile --once --rebuild"
        ),
    ),
    "restore.replaced": (
        (
            "Ce qui était là est gardé dans {folder} jusqu'à la prochaine reprise"
            " : effacez-le quand tout va bien."
        ),
        (
            "What was there is kept in {folder} until the next restore: delete it"
            " once all is well."
        ),
    ),
    "restore.failed": (
        "La reprise a échoué, et rien n'est changé : {why}",
        "The restore failed, and nothing is changed: {why}",
    ),
    "reset_nothing": ("Rien à oublier.", "Nothing to forget."),
}


def french() -> bool:
    """Say whether the terminal is in French (LC_ALL, LC_MESSAGES, then LANG)."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return value.lower().startswith("fr")
    return False


def sentence(key: str, **values: object) -> str:
    """Return the sentence in the terminal's language."""
    in_french, in_english = SENTENCES[key]
    return (in_french if french() else in_english).format(**values)
