"""A certificate as it is issued: its facts, its bytes, and the signed file."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import TypeAdapter

from documents.certificate import CertificateFacts, certificate_pdf
from documents.signing import DocumentSigner
from rules.civil_time import last_day
from rules.dossier import Dossier, Term
from settings import Settings

_FACTS: TypeAdapter[CertificateFacts] = TypeAdapter(CertificateFacts)


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """What is kept of a certificate; *sha256* is that of the file before its signature.

    The same facts make a file of that hash again, with the same typesetter; the
    signature is new each time, and so the signed file is kept itself.
    """

    facts: dict[str, Any]
    sha256: str
    pdf: bytes


def issue_certificate(
    facts: CertificateFacts, signer: DocumentSigner
) -> IssuedCertificate:
    """Print and sign a certificate; a trial key is named on its face.

    It takes the processor for some hundredths of a second: call it in a thread.
    Raises CannotPrint.
    """
    facts = replace(facts, trial=signer.self_made)
    unsigned = certificate_pdf(facts)
    return IssuedCertificate(
        facts=_FACTS.dump_python(facts, mode="json"),
        sha256=hashlib.sha256(unsigned).hexdigest(),
        pdf=signer.sign(unsigned),
    )


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues certificates, and where one asks whether they are valid."""

    office_name: str
    public_url: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(settings.office_name, settings.public_url)


def next_copy(
    dossier: Dossier,
    term: Term,
    *,
    name: str,
    language: Literal["fr", "en"],
    at: datetime,
    issuer: Issuer,
    before: CertificateFacts | None,
) -> CertificateFacts:
    """Say what the copy after the one *before* says, as shown and as printed.

    Its day of issue stays the first one's. Whether it is a trial, its signer knows.
    """
    return CertificateFacts(
        language=language,
        kind=dossier.kind,
        number=dossier.number,
        holder_name=name,
        first_day=term.start,
        last_valid_day=last_day(term.echeance),
        issued_at=at,
        edition=before.edition + 1 if before else 1,
        office_name=issuer.office_name,
        public_url=issuer.public_url,
        trial=False,
        first_issued_at=(before.first_issued_at or before.issued_at)
        if before
        else None,
    )


def facts_of(kept: dict[str, Any]) -> CertificateFacts:
    """Read the facts of a kept certificate, to print it again."""
    return _FACTS.validate_python(kept)
