"""The signature on a document: put on it, and checked."""

from collections.abc import Sequence
from io import BytesIO

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from pyhanko.keys import load_private_key_from_pemder_data
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


def seal(pdf: bytes, key_pem: bytes, chain: Sequence[Certificate]) -> bytes:
    """Add a signature to a PDF, as DocumentSigner.sign tells; the key's own is first.

    Call it outside of an event loop.
    """
    own, *others = _as_asn1(chain)
    key = load_private_key_from_pemder_data(key_pem, passphrase=None)
    meta = PdfSignatureMetadata(
        field_name=_FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    # The key's own certificate goes in by itself.
    signer = _ArchivalSigner(
        meta, SimpleSigner(own, key, _store_of(others)), new_field_spec=_UNSEEN
    )
    signed = BytesIO()
    signer.sign_pdf(
        IncrementalPdfFileWriter(BytesIO(pdf)),
        output=signed,
        bytes_reserved=_room_for([own, *others]),
    )
    return signed.getvalue()


def is_intact_and_trusted(pdf: bytes, chain: Sequence[Certificate]) -> bool:
    """Answer whether one signature covers the whole file and leads to the chain's root.

    Nothing is fetched. A validity that is not also trusted proves nothing: anybody can
    sign.
    """
    roots = _as_asn1(chain[-1:])
    trusted = ValidationContext(trust_roots=roots, allow_fetching=False)
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if len(signatures) != 1:
            return False
        status = validate_pdf_signature(signatures[0], trusted)
        whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        return bool(whole and status.bottom_line)
    except Exception:  # noqa: BLE001 - a broken file breaks its reader in any way
        return False


def _room_for(chain: Sequence[x509.Certificate]) -> int:
    """Name the room a signature is left, in hexadecimal digits.

    To find it out, the library would sign twice.
    """
    certificates = sum(len(each.dump()) for each in chain)
    return 2 * (certificates + _ROOM_BESIDES)


def _as_asn1(chain: Sequence[Certificate]) -> list[x509.Certificate]:
    """Give certificates as the library takes them."""
    return [x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in chain]


def _store_of(chain: Sequence[x509.Certificate]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # their own lack
    store.register_multiple(chain)
    return store
