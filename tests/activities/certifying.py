"""A holder in the register, and a worker that has a key to sign certificates."""

from pathlib import Path

from embedded.signing_chain import make_signing_chain
from records.models import Certificate
from rules.dossier import Dossier, Kind
from settings import Settings, settings_from
from tests.activities.office import Office
from tests.dossiers import HOLDER, a_holder

KEY_FILE, CHAIN_FILE = "key.pem", "chain.pem"


def make_key(folder: Path) -> Path:
    """Make a key of this test's own."""
    key, chain = make_signing_chain()
    (folder / KEY_FILE).write_text(key)
    (folder / CHAIN_FILE).write_text(chain)
    return folder


def settings_with_a_key(url: str, folder: Path) -> Settings:
    """The settings of a worker whose key is in *folder*."""
    return settings_from(
        {
            "ECHEANCE_DATABASE_URL": url,
            "ECHEANCE_MAIL_KEY": "key-of-the-tests",
            "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
            "ECHEANCE_SIGNING_KEY_FILE": str(folder / KEY_FILE),
            "ECHEANCE_SIGNING_CHAIN_FILE": str(folder / CHAIN_FILE),
        }
    )


async def certify(office: Office, holder: Dossier | None = None) -> None:
    """Put the holder's certificate in the register."""
    term = (holder or a_holder()).terms[-1]
    person = await office.holder_of(HOLDER)
    await office.add(
        Certificate(
            number=HOLDER,
            kind=Kind.CAR,
            person_id=person.person_id,
            status="in_force",
            start=term.start,
            echeance=term.echeance,
        )
    )
