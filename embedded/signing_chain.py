"""A key and a chain to sign documents with, made here: for trials, no proof."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from documents.signing import SELF_MADE_BY

_YEARS = timedelta(days=20 * 365)
_A_DAY = timedelta(days=1)


def make_signing_chain() -> tuple[str, str]:
    """Make a key for documents and its chain, in PEM; the authority's key is dropped.

    Whoever meets the chain reads in it that it was made on the spot.
    """
    authority, key = ec.generate_private_key(_CURVE), ec.generate_private_key(_CURVE)
    root = _certificate("racine d'essai", authority, "racine d'essai", authority, 0)
    leaf = _certificate("documents", key, "racine d'essai", authority, None)
    private = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
    chain = (leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)).decode()
    return private, chain


_CURVE = ec.SECP256R1()


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    path_length: int | None,
) -> x509.Certificate:
    is_root = path_length is not None
    now = datetime.now(UTC)
    identified = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _A_DAY)
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(is_root, path_length), critical=True)
        .add_extension(key_usage(is_authority=is_root), critical=True)
        .add_extension(identified, critical=False)
        .add_extension(issued_by, critical=False)
        .sign(by, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, SELF_MADE_BY),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def key_usage(*, is_authority: bool) -> x509.KeyUsage:
    """Say what a key is for: signing certificates, or documents."""
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
