"""A certificate for tests, and keys to sign it with."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from documents.certificate import CertificateFacts
from documents.signing import DocumentSigner
from embedded.signing_chain import make_signing_chain
from rules.dossier import Kind
from rules.numbers import DossierNumber

NUMBER = DossierNumber("CAR202600067890")


def a_certificate(**changes: Any) -> CertificateFacts:
    """Two years from 10 December 2026, for somebody who is written to in French."""
    facts = CertificateFacts(
        language="fr",
        kind=Kind.CAR,
        number=NUMBER,
        holder_name="Nadia Tremblay-Côté",
        first_day=date(2026, 12, 10),
        last_valid_day=date(2028, 12, 9),
        issued_at=datetime(2026, 12, 10, 15, 4, 5, tzinfo=UTC),
        edition=1,
        office_name="Office de la protection du consommateur",
        public_url="https://certificats.echeance.example",
        trial=False,
    )
    return replace(facts, **changes)


def a_signer() -> DocumentSigner:
    """A key of its own, as the embedded stack makes one."""
    key, chain = make_signing_chain()
    return DocumentSigner.read(key.encode(), chain.encode())
