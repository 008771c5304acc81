"""Handing over to ordinary relays, over TLS, and asking their log."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from letters.answers import Outcome, Reply
from letters.relay_log import relay_has
from letters.smtp import Relay
from tests.letters.handing import (
    MESSAGE_ID,
    RECIPIENT,
    connections_to,
    hand_over,
    reached,
)
from tests.letters.relay import OK, Script, ScriptedRelay


class Keeper:
    """A handler of aiosmtpd that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[tuple[Envelope, bool]] = []
        self.sessions: set[Session] = set()

    async def handle_DATA(  # noqa: N802  aiosmtpd's own name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.kept.append((envelope, session.ssl is not None))
        self.sessions.add(session)
        return "250 2.0.0 kept"


@asynccontextmanager
async def an_ordinary_relay(
    keeper: Keeper,
    tls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
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
        ssl=implicit,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def a_certificate(folder: Path, address: str = "127.0.0.1") -> Path:
    """Write a certificate that vouches for itself and that address, with its key."""
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
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]),
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


def tls_of(certificate: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return tls


async def test_an_ordinary_relay_takes_the_letter() -> None:
    keeper = Keeper()
    async with an_ordinary_relay(keeper) as port:
        outcome = await hand_over(Relay("127.0.0.1", port))
    assert outcome == Outcome(Reply.ACCEPTED, 250, "2.0.0 kept")
    assert keeper.kept[0][0].rcpt_tos == [RECIPIENT]


async def test_several_letters_go_over_one_connection_under_starttls_and_a_password(
    tmp_path: Path,
) -> None:
    certificate = a_certificate(tmp_path)
    keeper = Keeper()
    async with an_ordinary_relay(keeper, tls_of(certificate)) as port:
        relay = Relay(
            "127.0.0.1",
            port,
            tls="starttls",
            username="echeance",
            password="right",
            ca_file=str(certificate),
        )
        async with connections_to(relay) as to:
            outcomes = [await hand_over(to) for _ in range(3)]
    assert {outcome.state for outcome in outcomes} == {Reply.ACCEPTED}
    assert [over_tls for _, over_tls in keeper.kept] == [True] * 3
    assert len(keeper.sessions) == 1


async def test_several_letters_go_over_one_connection_under_implicit_tls(
    tmp_path: Path,
) -> None:
    certificate = a_certificate(tmp_path)
    keeper = Keeper()
    async with an_ordinary_relay(keeper, implicit=tls_of(certificate)) as port:
        relay = Relay("127.0.0.1", port, tls="implicit", ca_file=str(certificate))
        async with connections_to(relay) as to:
            outcomes = [await hand_over(to) for _ in range(3)]
    assert {outcome.state for outcome in outcomes} == {Reply.ACCEPTED}
    assert len(keeper.sessions) == 1


async def test_a_wrong_password_only_defers_and_the_operator_is_told_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = a_certificate(tmp_path)
    keeper = Keeper()
    async with an_ordinary_relay(keeper, tls_of(certificate)) as port:
        relay = Relay(
            "127.0.0.1",
            port,
            tls="starttls",
            username="echeance-account",
            password="quite wrong",
            ca_file=str(certificate),
        )
        outcome = await hand_over(relay)
    assert (outcome.state, outcome.code) == (Reply.DEFERRED, 535)
    assert not keeper.kept
    told = [r.getMessage() for r in caplog.records if r.name.startswith("letters")]
    assert told == [
        "the relay does not take our letters: it refuses our account or password (535)"
    ]


@pytest.mark.parametrize("way", ["starttls", "implicit"])
@pytest.mark.parametrize("flaw", ["not trusted", "of another name"])
async def test_a_relay_whose_certificate_is_no_good_gets_nothing(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    way: Literal["starttls", "implicit"],
    flaw: str,
) -> None:
    address = "127.0.0.1" if flaw == "not trusted" else "127.0.0.2"
    certificate = a_certificate(tmp_path, address)
    tls = tls_of(certificate)
    on_request, at_once = (tls, None) if way == "starttls" else (None, tls)
    known = None if flaw == "not trusted" else str(certificate)
    keeper = Keeper()
    async with an_ordinary_relay(keeper, on_request, at_once) as port:
        outcome = await hand_over(Relay("127.0.0.1", port, tls=way, ca_file=known))
    assert (outcome.state, outcome.code) == (Reply.DEFERRED, None)
    assert not keeper.kept
    assert "certificate" in caplog.text


async def test_a_relay_whose_starttls_is_broken_gets_nothing() -> None:
    broken = Script(extensions=("STARTTLS",), starttls=OK)
    async with ScriptedRelay([broken]) as relay:
        outcome = await hand_over(reached(relay, tls="starttls"))
    assert outcome.state is Reply.DEFERRED
    assert not any("MAIL" in line for line in relay.commands)


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
