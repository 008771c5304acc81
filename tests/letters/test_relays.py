"""Handing over to ordinary relays, over TLS, and asking their log."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from letters.compose import compose
from letters.smtp import Outcome, Relay, Reply, hand_over, relay_has
from tests.letters.examples import an_example

SENDER = "bounce+abc@echeance.example"
RECIPIENT = "nadia@courriel.example"
MESSAGE_ID = "<abc@echeance.example>"


def a_letter() -> EmailMessage:
    return compose(
        an_example("reminder_7"),
        language="fr",
        sender="avis@echeance.example",
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
    )


class Keeper:
    """A handler of aiosmtpd that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[tuple[Envelope, bool]] = []

    async def handle_DATA(  # noqa: N802  aiosmtpd's own name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.kept.append((envelope, session.ssl is not None))
        return "250 2.0.0 kept"


@asynccontextmanager
async def an_ordinary_relay(
    keeper: Keeper, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    def check(
        _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: object
    ) -> AuthResult:
        right = isinstance(who, LoginPassword) and who.password == b"right"
        return AuthResult(success=right, handled=False)

    server = await asyncio.get_running_loop().create_server(
        partial(
            SMTP,
            keeper,
            hostname="relay.example",
            tls_context=tls,
            authenticator=check,
            auth_require_tls=True,
        ),
        "127.0.0.1",
        0,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def a_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "relay.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_an_ordinary_relay_takes_the_letter() -> None:
    keeper = Keeper()
    async with an_ordinary_relay(keeper) as port:
        outcome = await hand_over(
            Relay("127.0.0.1", port), a_letter(), sender=SENDER, recipient=RECIPIENT
        )
    assert outcome == Outcome(Reply.ACCEPTED, 250, "2.0.0 kept")
    assert keeper.kept[0][0].rcpt_tos == [RECIPIENT]


@pytest.mark.parametrize(
    ("password", "state"), [("right", Reply.ACCEPTED), ("wrong", Reply.DEFERRED)]
)
async def test_the_relay_is_spoken_to_over_tls_and_a_wrong_password_only_defers(
    tmp_path: Path, password: str, state: Reply
) -> None:
    certificate = a_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    keeper = Keeper()
    async with an_ordinary_relay(keeper, tls) as port:
        outcome = await hand_over(
            Relay(
                "127.0.0.1",
                port,
                tls="starttls",
                username="echeance",
                password=password,
                ca_file=str(certificate),
            ),
            a_letter(),
            sender=SENDER,
            recipient=RECIPIENT,
        )
    assert outcome.state is state
    assert [over_tls for _, over_tls in keeper.kept] == (
        [True] if state is Reply.ACCEPTED else []
    )


async def test_a_relay_whose_certificate_is_not_trusted_gets_nothing(
    tmp_path: Path,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(a_certificate(tmp_path))
    keeper = Keeper()
    async with an_ordinary_relay(keeper, tls) as port:
        outcome = await hand_over(
            Relay("127.0.0.1", port, tls="starttls"),
            a_letter(),
            sender=SENDER,
            recipient=RECIPIENT,
        )
    assert outcome.state is Reply.DEFERRED
    assert not keeper.kept


@asynccontextmanager
async def a_relay_log(status: str) -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1])
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/log", asked
    finally:
        server.close()


@pytest.mark.parametrize(
    ("status", "known"),
    [("200 OK", True), ("404 Not Found", False), ("500 Oops", None), ("302 Go", None)],
)
async def test_the_relay_log_says_yes_no_or_nothing(
    status: str, known: bool | None
) -> None:
    async with a_relay_log(status) as (url, asked):
        assert await relay_has(url, MESSAGE_ID) is known
    assert asked == ["/log/%3Cabc%40echeance.example%3E"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/log", "no address", "http://["])
async def test_a_relay_log_out_of_reach_says_nothing(url: str) -> None:
    assert await relay_has(url, MESSAGE_ID) is None
