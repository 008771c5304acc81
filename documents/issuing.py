"""A certificate as it is issued: its facts, its bytes, and the signed file."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from documents.certificate import CertificateFacts, certificate_pdf
from documents.signing import DocumentSigner

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


def as_next_copy(
    facts: CertificateFacts, before: CertificateFacts | None
) -> CertificateFacts:
    """Number a copy after the one *before*; the day of issue stays the first one's."""
    if before is None:
        return facts
    first_issued_at = before.first_issued_at or before.issued_at
    return replace(facts, edition=before.edition + 1, first_issued_at=first_issued_at)


def facts_of(kept: dict[str, Any]) -> CertificateFacts:
    """Read the facts of a kept certificate, to print it again."""
    return _FACTS.validate_python(kept)
