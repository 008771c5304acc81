"""The signature: it proves the whole file, and one changed bit undoes the proof."""

import hashlib
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from documents.certificate import certificate_pdf
from documents.issuing import facts_of, issue_certificate
from documents.sealing import is_intact_and_trusted
from documents.signing import BadSigningKey, DocumentSigner
from embedded.keys import make_keys, signing_files
from embedded.signing_chain import key_usage, make_signing_chain
from settings import settings_from
from tests.documents.certificates import a_certificate, a_signer
from tests.documents.reading import opened

SEED = 20261126
POSITIONS = 250


@pytest.fixture(scope="module")
def signer() -> DocumentSigner:
    return a_signer()


@pytest.fixture(scope="module")
def signed(signer: DocumentSigner) -> bytes:
    return issue_certificate(a_certificate(), signer).pdf


def signed_ranges(pdf: bytes) -> list[range]:
    (written,) = re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+) *\]", pdf)
    start, length, then, rest = (int(number) for number in written)
    return [range(start, start + length), range(then, then + rest)]


def flipped(pdf: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(pdf)
    changed[position] ^= 1 << bit
    return bytes(changed)


def test_a_signed_certificate_is_intact_and_trusted(
    signed: bytes, signer: DocumentSigner
) -> None:
    assert is_intact_and_trusted(signed, signer.chain)
    before, after = signed_ranges(signed)
    assert before.start == 0
    assert after.stop == len(signed)


def test_one_flipped_bit_anywhere_breaks_it(
    signed: bytes, signer: DocumentSigner
) -> None:
    drawn = random.Random(SEED)
    places = [position for part in signed_ranges(signed) for position in part]
    edges = [*places[:8], *places[-8:]]
    for part in signed_ranges(signed):
        edges += [part.start, part.stop - 1]
    for position in [*edges, *drawn.sample(places, POSITIONS)]:
        changed = flipped(signed, position, drawn.randrange(8))
        assert not is_intact_and_trusted(changed, signer.chain), (SEED, position)


@pytest.mark.parametrize("cut", [1, 2, 100, 10_000, 44_000])
def test_a_file_cut_short_is_not_trusted(
    signed: bytes, signer: DocumentSigner, cut: int
) -> None:
    assert not is_intact_and_trusted(signed[:-cut], signer.chain)


def test_what_is_added_after_the_signature_is_not_trusted(
    signed: bytes, signer: DocumentSigner
) -> None:
    assert not is_intact_and_trusted(signed + b"\n%more", signer.chain)
    with BytesIO(signed) as file, pikepdf.open(file) as pdf:
        pdf.docinfo["/Title"] = "Autre titre"
        pdf.save(changed := BytesIO())
    assert not is_intact_and_trusted(changed.getvalue(), signer.chain)


def test_a_good_signature_of_somebody_else_is_not_trusted(signed: bytes) -> None:
    assert not is_intact_and_trusted(signed, a_signer().chain)


@pytest.mark.parametrize("file", [b"", b"%PDF-1.7", b"no file", b"\x00" * 5000])
def test_what_is_no_signed_file_is_not_trusted(
    file: bytes, signer: DocumentSigner
) -> None:
    assert not is_intact_and_trusted(file, signer.chain)
    unsigned = certificate_pdf(a_certificate())
    assert not is_intact_and_trusted(unsigned, signer.chain)


def test_the_signature_comes_after_the_document_and_keeps_what_it_is(
    signer: DocumentSigner,
) -> None:
    facts = a_certificate(language="en", trial=True)
    unsigned = certificate_pdf(facts)
    issued = issue_certificate(facts, signer)
    assert issued.pdf.startswith(unsigned)
    before, after = opened(unsigned), opened(issued.pdf)
    assert after.tags == before.tags
    assert (after.language, after.title) == (before.language, before.title)
    assert after.text() == before.text()
    assert "/Version" not in after.pdf.Root


def test_a_certificate_of_a_self_made_chain_says_so_on_its_face(
    signer: DocumentSigner,
) -> None:
    assert signer.self_made
    facts = a_certificate(trial=False)
    issued = issue_certificate(facts, signer)
    assert "Document d’essai" in opened(issued.pdf).text()
    assert facts_of(issued.facts) == replace(facts, trial=True)


def test_what_is_kept_prints_the_same_file_again(signer: DocumentSigner) -> None:
    facts = a_certificate(language="en", edition=3)
    issued = issue_certificate(facts, signer)
    again = certificate_pdf(facts_of(issued.facts))
    assert hashlib.sha256(again).hexdigest() == issued.sha256
    other = issue_certificate(facts, signer)
    assert other.sha256 == issued.sha256
    assert other.pdf != issued.pdf  # the hour, and the signature's own chance


# -------------------------------------------------------------------- keys and chains


def settings_with(folder: Path) -> dict[str, str]:
    key, chain = signing_files(folder)
    return {
        "ECHEANCE_DATABASE_URL": "postgresql+psycopg://a:b@127.0.0.1:1/c",
        "ECHEANCE_MAIL_KEY": "key",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_eA==",
        "ECHEANCE_SIGNING_KEY_FILE": str(key),
        "ECHEANCE_SIGNING_CHAIN_FILE": str(chain),
    }


def test_the_embedded_stack_makes_a_key_once_for_its_owner_only(
    tmp_path: Path,
) -> None:
    make_keys(tmp_path)
    key, chain = signing_files(tmp_path)
    first = key.read_bytes(), chain.read_bytes()
    make_keys(tmp_path)
    assert (key.read_bytes(), chain.read_bytes()) == first
    assert key.stat().st_mode & 0o077 == 0
    signer = DocumentSigner.of(settings_from(settings_with(tmp_path)))
    assert signer is not None
    assert signer.self_made
    chain.unlink()
    make_keys(tmp_path)
    assert DocumentSigner.of(settings_from(settings_with(tmp_path))) is not None


def test_without_a_key_in_the_settings_there_is_no_signer(tmp_path: Path) -> None:
    said = settings_with(tmp_path)
    for name in ("ECHEANCE_SIGNING_KEY_FILE", "ECHEANCE_SIGNING_CHAIN_FILE"):
        less = {key: value for key, value in said.items() if key != name}
        assert DocumentSigner.of(settings_from(less)) is None


def test_a_key_that_cannot_sign_is_one_sentence(tmp_path: Path) -> None:
    key, chain = (text.encode() for text in make_signing_chain())
    _, other = (text.encode() for text in make_signing_chain())
    for wrong_key, wrong_chain in (
        (b"", chain),
        (key, b""),
        (b"no key", chain),
        (key, b"no chain"),
        (key, other),
        (chain, key),
    ):
        with pytest.raises(BadSigningKey) as caught:
            DocumentSigner.read(wrong_key, wrong_chain)
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(BadSigningKey, match="cannot be read"):
        DocumentSigner.of(settings_from(settings_with(tmp_path / "nowhere")))


def an_authoritys_chain() -> tuple[bytes, bytes]:
    """A key of RSA under an authority in between, as a government has them."""
    names = ("Racine", "Intermédiaire", "Certificats")
    keys = [rsa.generate_private_key(65537, 2048) for _ in names]
    now = datetime.now(UTC)

    def certificate(subject: int, issuer: int) -> bytes:
        named = [
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[who])])
            for who in (subject, issuer)
        ]
        is_authority = subject < 2
        made = (
            x509.CertificateBuilder(named[1], named[0], keys[subject].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(key_usage(is_authority=is_authority), critical=True)
            .sign(keys[issuer], hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    key = keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key, certificate(2, 1) + certificate(1, 0) + certificate(0, 0)


def test_a_chain_of_an_authority_signs_without_calling_it_a_trial() -> None:
    signer = DocumentSigner.read(*an_authoritys_chain())
    assert not signer.self_made
    issued = issue_certificate(a_certificate(), signer)
    assert is_intact_and_trusted(issued.pdf, signer.chain)
    assert "Document d’essai" not in opened(issued.pdf).text()
