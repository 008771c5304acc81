"""The signature on a document: made with the Office's key, and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Self

from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_der_x509_certificate
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
)
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from settings import Settings

SELF_MADE_BY = "Échéance, clé faite sur place"
"""The organization that a chain made by the embedded stack names; nobody's."""

_FIELD = "Signature"
# The signature itself, of RSA 4096 at most, and what is signed with it.
_ROOM_BESIDES = 2048
_UNSEEN = SigFieldSpec(
    _FIELD,
    # PDF/UA asks a tag of every widget on the page; this one is beside it.
    invis_sig_settings=InvisSigSettings(box_out_of_bounds=True),
    readable_field_name=_FIELD,
)


class _ArchivalSigner(PdfSigner):
    """Leaves the file PDF 1.7, which PDF/A-2 and PDF/UA-1 are.

    The library would call it PDF 2.0 for the sake of an elliptic curve.
    """

    def register_extensions(
        self, pdf_out: BasePdfFileWriter, *, md_algorithm: str
    ) -> None:
        """Name PAdES, and nothing newer."""
        del md_algorithm
        pdf_out.register_extension(ESIC_EXTENSION_1)


class BadSigningKey(ValueError):  # noqa: N818 - it reads as what was given
    """The key or its chain cannot sign; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """A private key and its certificates, the key's own first, its root last."""

    chain: tuple[Certificate, ...]
    _signer: SimpleSigner

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
            chain = tuple(load_certs_from_pemder_data(chain_pem))
            key = load_private_key_from_pemder_data(key_pem, passphrase=None)
            public = load_pem_private_key(key_pem, password=None).public_key()
            belongs = load_der_x509_certificate(chain[0].dump()).public_key() == public
        except (ValueError, TypeError, IndexError) as wrong:
            raise BadSigningKey(f"the signing key cannot be read: {wrong}") from None
        if not belongs:
            raise BadSigningKey("the first certificate of the chain is not the key's")
        # The key's own certificate goes in by itself.
        return cls(chain, SimpleSigner(chain[0], key, _store_of(chain[1:])))

    @property
    def self_made(self) -> bool:
        """Whether the chain was made by the embedded stack: a trial, no proof."""
        root = self.chain[-1].subject.native
        return bool(root.get("organization_name") == SELF_MADE_BY)

    @property
    def _room(self) -> int:
        """Name the room a signature is left, in hexadecimal digits.

        To find it out, the library would sign twice.
        """
        certificates = sum(len(each.dump()) for each in self.chain)
        return 2 * (certificates + _ROOM_BESIDES)

    def sign(self, pdf: bytes) -> bytes:
        """Certify a PDF (PAdES): whatever is changed afterwards breaks the signature.

        The document stays as it is, the signature comes after it. Its hour and its
        bytes are new each time. Call it outside of an event loop.
        """
        meta = PdfSignatureMetadata(
            field_name=_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        signed = BytesIO()
        signer = _ArchivalSigner(meta, self._signer, new_field_spec=_UNSEEN)
        signer.sign_pdf(
            IncrementalPdfFileWriter(BytesIO(pdf)),
            output=signed,
            bytes_reserved=self._room,
        )
        return signed.getvalue()


def is_intact_and_trusted(pdf: bytes, chain: Sequence[Certificate]) -> bool:
    """Answer whether one signature covers the whole file and leads to the chain's root.

    Nothing is fetched. A validity that is not also trusted proves nothing: anybody can
    sign.
    """
    trusted = ValidationContext(trust_roots=[chain[-1]], allow_fetching=False)
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if len(signatures) != 1:
            return False
        status = validate_pdf_signature(signatures[0], trusted)
        whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        return bool(whole and status.bottom_line)
    except Exception:  # noqa: BLE001 - a broken file breaks its reader in any way
        return False


def _store_of(chain: Sequence[Certificate]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # their own lack
    store.register_multiple(chain)
    return store


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise BadSigningKey(f"the signing key cannot be read: {wrong}") from None
