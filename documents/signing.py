"""The Office's key and its certificates: read at the start, used to sign documents."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID

from settings import Settings

SELF_MADE_BY = "Échéance, clé faite sur place"
"""The organization that a chain made by the embedded stack names; nobody's."""


class BadSigningKey(ValueError):  # noqa: N818 - it reads as what was given
    """The key or its chain cannot sign; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """A private key and its certificates, the key's own first, its root last."""

    chain: tuple[Certificate, ...]
    _key_pem: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Read it from the files that the settings name; None where they name none.

        Raises BadSigningKey.
        """
        key, chain = settings.signing_key_file, settings.signing_chain_file
        if key is None or chain is None:
            return None
        return cls.read(_bytes_of(key), _bytes_of(chain))

    @classmethod
    def read(cls, key_pem: bytes, chain_pem: bytes) -> Self:
        """Read a key and its chain, in PEM; raises BadSigningKey."""
        try:
            chain = tuple(load_pem_x509_certificates(chain_pem))
            public = load_pem_private_key(key_pem, password=None).public_key()
            belongs = chain[0].public_key() == public
        except (ValueError, TypeError) as wrong:
            raise BadSigningKey(f"the signing key cannot be read: {wrong}") from None
        if not belongs:
            raise BadSigningKey("the first certificate of the chain is not the key's")
        return cls(chain, key_pem)

    @property
    def self_made(self) -> bool:
        """Whether the chain was made by the embedded stack: a trial, no proof."""
        root = self.chain[-1].subject
        named = root.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return [each.value for each in named] == [SELF_MADE_BY]

    def sign(self, pdf: bytes) -> bytes:
        """Certify a PDF (PAdES): whatever is changed afterwards breaks the signature.

        The document stays as it is, the signature comes after it. Its hour and its
        bytes are new each time. Call it outside of an event loop.
        """
        # A fifth of what a process loads, and most processes never sign.
        from documents.sealing import seal  # noqa: PLC0415 - late, see above

        return seal(pdf, self._key_pem, self.chain)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise BadSigningKey(f"the signing key cannot be read: {wrong}") from None
