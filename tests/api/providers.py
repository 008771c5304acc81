"""Identity providers to sign in with: our stand-in, one of lies, and a stranger's."""

import asyncio
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.signin.cookies import hash_of
from embedded.personas import AUDIENCES
from embedded.standin import StandIn, stand_in_app
from tests.api.doors import Doors, a_port, knocking_at

SECRETS: dict[str, str] = {realm: f"secret of {realm}" for realm in AUDIENCES}


@asynccontextmanager
async def served_on(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def a_stand_in() -> AsyncIterator[dict[str, str]]:
    """Serve the stand-in; yield the settings that lead to it."""
    async with a_port() as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        key = ECKey.generate_key("P-256", {"kid": "one"})
        app = stand_in_app(StandIn(key, base=base, secrets=SECRETS))
        async with served_on(app, listening):
            yield leading_to(base)


def leading_to(base: str) -> dict[str, str]:
    settings = {}
    for realm, audience in AUDIENCES.items():
        prefix = f"ECHEANCE_SIGN_IN_{audience.upper()}"
        settings[f"{prefix}_ISSUER"] = f"{base}/{realm}"
        settings[f"{prefix}_CLIENT_SECRET"] = SECRETS[realm]
    return settings


@dataclass
class Liar:
    """A provider whose token is what *lie* makes of a true one."""

    key: ECKey
    base: str = ""
    lie: Callable[["Liar", dict[str, Any]], str] = field(
        default=lambda liar, claims: liar.signed(claims)
    )
    nonces: dict[str, str] = field(default_factory=dict)

    def signed(self, claims: Mapping[str, Any], **head: str) -> str:
        header = {"alg": "ES256", "kid": self.key.kid, **head}
        return jwt.encode(header, dict(claims), self.key, algorithms=["ES256"])

    def signed_by_secret(self, claims: Mapping[str, Any]) -> str:
        """Sign with the public key as if it were a shared secret."""
        shared = OctKey.import_key(self.key.as_pem(private=False))
        return jwt.encode({"alg": "HS256"}, dict(claims), shared, algorithms=["HS256"])

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/jwks", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _describe(self, _: Request) -> Response:
        ends = {
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
        }
        return JSONResponse({"issuer": self.base, **ends})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": "echeance",
            "sub": "somebody",
            "name": "Somebody",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonces[form["code"]],
        }
        return JSONResponse({"id_token": self.lie(self, claims)})


@asynccontextmanager
async def a_liar() -> AsyncIterator[Liar]:
    async with a_port() as listening:
        key = ECKey.generate_key("P-256", {"kid": "one"})
        liar = Liar(key, base=f"http://127.0.0.1:{listening.getsockname()[1]}")
        async with served_on(liar.app(), listening):
            yield liar


@asynccontextmanager
async def a_stranger() -> AsyncIterator[str]:
    """Run a provider that others wrote, in a process of its own; yield its issuer."""
    async with a_port() as listening:
        port = listening.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        await _until_it_answers(f"{issuer}/.well-known/openid-configuration")
        yield issuer
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(30), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            with suppress(httpx2.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)


class Browser:
    """A browser with cookies of its own, at the service and at a provider."""

    def __init__(self, doors: Doors) -> None:
        self.http = knocking_at(doors.app)
        self._doors = doors

    async def go(self, path: str) -> httpx2.Response:
        return await self.http.get(path)

    async def sent_to_provider(self, door: str, wish: str = "") -> str:
        """Follow a door as far as the address of the provider."""
        query = {"retour": wish} if wish else {}
        answer = await self.http.get(f"/fr/connexion/{door}", params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def click_on(self, url: str, subject: str) -> str:
        """Choose who one is at the stand-in; return the way back, as a path."""
        async with httpx2.AsyncClient(trust_env=False) as provider:
            shown = await provider.get(url)
            asked = re.search(r'name="asked" value="([^"]*)"', shown.text)
            assert asked, shown.text
            form = {"asked": unescape(asked[1]), "subject": subject}
            sent = await provider.post(url, data=form)
        assert sent.status_code == 303, sent.text
        return back_from(sent.headers["location"])

    async def sign_in(self, door: str, subject: str, wish: str = "") -> httpx2.Response:
        way_back = await self.click_on(await self.sent_to_provider(door, wish), subject)
        return await self.go(way_back)

    async def refused(self, answer: httpx2.Response, code: int = 403) -> str:
        """Follow a refusal to its page; return its words."""
        assert answer.status_code == 303, answer.text
        page = await self.go(answer.headers["location"])
        assert page.status_code == code, page.text
        return unescape(page.text)

    async def form_token(self) -> str:
        page = await self.go("/fr/sessions")
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
        assert token, page.text
        return token[1]

    async def send(self, path: str, **form: str) -> httpx2.Response:
        """Send a form, as far as the page that shows its answers or its faults."""
        said = {"form_token": await self.form_token(), **form}
        answer = await self.http.post(path, data=said)
        led_to = answer.headers.get("location", "")
        return await self.go(led_to) if "?etape=" in led_to else answer

    async def is_signed_in(self) -> bool:
        return (await self.go("/fr/sessions")).status_code == 200

    @property
    def session_hash(self) -> str:
        return hash_of(self.http.cookies["echeance_session"])

    async def close(self) -> None:
        await self.http.aclose()


def back_from(location: str) -> str:
    split = urlsplit(location)
    return f"{split.path}?{split.query}"


def asked_of_provider(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
