"""A stand-in for the identity providers: one clicks on who one is. Never in production.

Three issuers of one process: persons, businesses, the Office. It speaks OpenID Connect
(code, PKCE, nonce) as the real ones do; only the proof of identity is missing.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from embedded.personas import AUDIENCES, PERSONAS, Persona
from embedded.ports import LOOPBACK

_CODE_S = 60
_TOKEN_S = 300
_MOST_CODES = 1000
_REALMS = frozenset(AUDIENCES)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STYLE = """
:root{color-scheme:light dark}
body{font:1.125rem/1.55 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem}
.ribbon{border-left:.4rem solid #b26a00;padding-left:.8rem}
ul{list-style:none;padding:0}
li{border:1px solid #767676;margin:.6rem 0}
button{font:inherit;color:inherit;background:none;border:0;width:100%;text-align:left;
padding:.8rem;cursor:pointer}
button strong{display:block;text-decoration:underline}
:focus-visible{outline:3px solid #1a73e8;outline-offset:2px}
"""
_WORDS = {
    "fr": {
        "title": "Qui êtes-vous?",
        "notice": "Démonstration\u00a0: sur cette machine seulement, ce service "
        "remplace le vrai service d'identification. Il ne demande aucune preuve.",
        "choose": "Choisissez une personne inventée\u00a0:",
        "wrong": "Cette demande d'identification n'est pas complète.",
        "out": "La session du service d'identification est fermée.",
    },
    "en": {
        "title": "Who are you?",
        "notice": "Demonstration: on this machine only, this service stands in for the "
        "real identification service. It asks for no proof.",
        "choose": "Choose an invented person:",
        "wrong": "This request to sign in is not complete.",
        "out": "The session of the identification service is over.",
    },
}


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a code stands for."""

    persona: Persona
    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    acr: str | None
    until: float


def persona_of(realm: str, subject: str) -> Persona | None:
    """Find one of the invented people by whom they prove to be."""
    each = (p for p in PERSONAS if (p.realm, p.subject) == (realm, subject))
    return next(each, None)


def anybody(realm: str, subject: str) -> Persona | None:
    """Find one of them, or take whoever says to be somebody for a person."""
    somebody = Persona("personne", subject, subject, "", "")
    return persona_of(realm, subject) or (somebody if realm == "personne" else None)


class StandIn:
    """The provider: its key, its clients' secret, the codes it has given."""

    def __init__(
        self,
        key: ECKey,
        *,
        base: str,
        secrets: Mapping[str, str],
        whoever: Callable[[str, str], Persona | None] = persona_of,
    ) -> None:
        """Serve at *base*; *secrets* holds our client's secret in each realm.

        *whoever* finds who was chosen, by realm and subject.
        """
        self.key = key
        self.whoever = whoever
        self._base = base
        self._secrets = secrets
        self._codes: dict[str, _Granted] = {}

    def issuer(self, realm: str) -> str:
        """Name one of the three issuers."""
        return f"{self._base}/{realm}"

    def grant(self, granted: _Granted) -> str:
        """Give a code for who was clicked on; forget those nobody came for."""
        now = time.monotonic()
        self._codes = {c: g for c, g in self._codes.items() if g.until > now}
        while len(self._codes) >= _MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = token_urlsafe(24)
        self._codes[code] = granted
        return code

    def redeem(self, realm: str, form: dict[str, str], client: tuple[str, str]) -> str:
        """Exchange a code for a token, once; raises ValueError for anything wrong."""
        granted = self._codes.pop(form.get("code", ""), None)
        if granted is None or granted.until < time.monotonic():
            raise ValueError("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        as_asked = (
            granted.persona.realm == realm
            and granted.redirect_uri == form.get("redirect_uri")
            and hmac.compare_digest(granted.challenge, challenge)
        )
        if not as_asked:
            raise ValueError("invalid_grant")
        ours = hmac.compare_digest(client[1], self._secrets[realm])
        if client[0] != granted.client_id or not ours:
            raise ValueError("invalid_client")
        return self._token(realm, granted)

    def _token(self, realm: str, granted: _Granted) -> str:
        now = int(time.time())
        persona = granted.persona
        claims = {
            "iss": self.issuer(realm),
            "aud": granted.client_id,
            "sub": persona.subject,
            "name": persona.name,
            "iat": now,
            "auth_time": now,
            "exp": now + _TOKEN_S,
            "nonce": granted.nonce,
            "groups": list(persona.groups),
            **({"acr": granted.acr} if granted.acr else {}),
        }
        head = {"alg": "ES256", "kid": self.key.kid}
        return jwt.encode(head, claims, self.key, algorithms=["ES256"])


def stand_in_app(provider: StandIn) -> Starlette:
    """Build the pages of the provider."""
    app = Starlette(
        routes=[
            Route("/livez", _alive),
            Route("/{realm}/.well-known/openid-configuration", _describe),
            Route("/{realm}/jwks", _keys),
            Route("/{realm}/authorize", _choose, methods=["GET"]),
            Route("/{realm}/authorize", _chosen, methods=["POST"]),
            Route("/{realm}/token", _token, methods=["POST"]),
            Route("/{realm}/logout", _log_out),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        ],
    )
    app.state.provider = provider
    return app


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _describe(request: Request) -> Response:
    realm = request.path_params["realm"]
    if realm not in _REALMS:
        return _nothing()
    issuer = _provider(request).issuer(realm)
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "ui_locales_supported": ["fr-CA", "en-CA"],
        }
    )


async def _keys(request: Request) -> Response:
    return JSONResponse({"keys": [_provider(request).key.as_dict(private=False)]})


async def _choose(request: Request) -> Response:
    realm, asked = request.path_params["realm"], request.query_params
    language = "en" if asked.get("ui_locales", "").startswith("en") else "fr"
    words = _WORDS[language]
    needed = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")
    complete = (
        realm in _REALMS
        and all(asked.get(name) for name in needed)
        and asked.get("response_type") == "code"
        and asked.get("code_challenge_method") == "S256"
    )
    if not complete:
        wrong = f"<p>{words['wrong']}</p>"
        return _page(words["title"], wrong, 400, language=language)
    lines = "".join(
        f'<li><button name="subject" value="{persona.subject}"><strong>'
        f"{escape(persona.name)}</strong>{escape(getattr(persona, language))}"
        "</button></li>"
        for persona in PERSONAS
        if persona.realm == realm
    )
    hidden = escape(urlencode(dict(asked)))
    body = (
        f'<p class="ribbon">{words["notice"]}</p><p>{words["choose"]}</p>'
        f'<form method="post"><input type="hidden" name="asked" value="{hidden}">'
        f"<ul>{lines}</ul></form>"
    )
    return _page(words["title"], body, language=language)


async def _chosen(request: Request) -> Response:
    realm = request.path_params["realm"]
    form = await _form(request)
    asked = dict(parse_qsl(form.get("asked", "")))
    found = _provider(request).whoever(realm, form.get("subject", ""))
    if found is None or not asked.get("redirect_uri"):
        return _page(_WORDS["fr"]["title"], f"<p>{_WORDS['fr']['wrong']}</p>", 400)
    code = _provider(request).grant(
        _Granted(
            found,
            asked.get("client_id", ""),
            asked["redirect_uri"],
            asked.get("nonce", ""),
            asked.get("code_challenge", ""),
            next(iter(asked.get("acr_values", "").split()), None),
            time.monotonic() + _CODE_S,
        )
    )
    back = urlencode({"code": code, "state": asked.get("state", "")})
    return RedirectResponse(f"{asked['redirect_uri']}?{back}", 303)


async def _token(request: Request) -> Response:
    form = await _form(request)
    try:
        client = _client_of(request.headers.get("authorization", ""))
        realm = request.path_params["realm"]
        token = _provider(request).redeem(realm, form, client)
    except ValueError as wrong:
        return JSONResponse({"error": str(wrong)}, 400)
    return JSONResponse(
        {"access_token": "none", "token_type": "Bearer", "id_token": token}
    )


async def _log_out(_: Request) -> Response:
    both = "".join(f"<p>{words['out']}</p>" for words in _WORDS.values())
    return _page("Échéance", both)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _client_of(header: str) -> tuple[str, str]:
    """Read HTTP Basic; raises ValueError for anything else."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        raise ValueError("invalid_client")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as wrong:
        raise ValueError("invalid_client") from wrong
    return name, secret


def _provider(request: Request) -> StandIn:
    provider = request.app.state.provider
    assert isinstance(provider, StandIn)
    return provider


def _nothing() -> Response:
    return JSONResponse({"error": "not_found"}, 404)


def _page(
    title: str, body: str, code: int = 200, *, language: str = "fr"
) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="{language}-CA"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>",
        code,
        _HEADERS,
    )


def signing_key(file: Path) -> ECKey:
    """Read the signing key, or make it: what was signed stays so over a restart."""
    if not file.exists():
        made = ECKey.generate_key("P-256").as_pem(private=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(made)
    key = ECKey.import_key(file.read_bytes())
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def main() -> None:
    """Read the command line and serve on the loopback address."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--secrets", type=Path, required=True)
    asked.add_argument("--anybody", action="store_true")
    chosen = asked.parse_args()
    provider = StandIn(
        signing_key(chosen.secrets / "stand_in_key.pem"),
        base=f"http://{LOOPBACK}:{chosen.port}",
        whoever=anybody if chosen.anybody else persona_of,
        secrets={
            realm: (
                chosen.secrets / f"echeance_sign_in_{audience}_client_secret"
            ).read_text()
            for realm, audience in AUDIENCES.items()
        },
    )
    uvicorn.run(
        stand_in_app(provider),
        host=LOOPBACK,
        port=chosen.port,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
