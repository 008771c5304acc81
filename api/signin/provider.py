"""An identity provider, and what it says of who signs in (OpenID Connect, code + PKCE).

Three audiences, an issuer each: persons, businesses, the Office's staff.
Which provider stands behind an issuer is a setting, never code.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from outward import authorities
from settings import Settings

log = logging.getLogger(__name__)

_ALGORITHMS = ("RS256", "ES256", "PS256")
_KEPT_S = 3600.0
_ASKED_AGAIN_S = 60.0
_PATIENCE_S = 10.0
_CLOCKS_APART_S = 60
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Audience(StrEnum):
    """For whom a provider speaks."""

    PERSON = "person"
    BUSINESS = "business"
    STAFF = "staff"


class SignInFailed(Exception):  # noqa: N818 - named as the person is told: it failed
    """What the provider said cannot be believed, or it said nothing; *why* is a code.

    `away`: it does not answer; `refused`: it, or the person, said no; `untrue`: a
    signature, an issuer, a date or a nonce is wrong; `too_weak`: the level is too low.
    """

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why


@dataclass(frozen=True, slots=True)
class Registration:
    """How we are known to the provider of one audience."""

    audience: Audience
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    acr: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, as the provider says; *acr* is the level of the proof."""

    audience: Audience
    subject: str
    name: str
    groups: frozenset[str]
    acr: str | None
    authenticated_at: datetime


def registrations(settings: Settings) -> dict[Audience, Registration]:
    """Read which audiences can sign in here, from the settings."""
    found = {}
    for audience in Audience:
        issuer = getattr(settings, f"sign_in_{audience}_issuer")
        if not issuer:
            continue
        secret = getattr(settings, f"sign_in_{audience}_client_secret")
        found[audience] = Registration(
            audience,
            issuer,
            getattr(settings, f"sign_in_{audience}_client_id"),
            secret.get_secret_value() if secret else "",
            getattr(settings, f"sign_in_{audience}_acr"),
        )
    return found


class RelyingParty:
    """Our side of the conversation with one provider."""

    def __init__(self, known_as: Registration, *, callback: str) -> None:
        """Prepare; nothing is asked before somebody signs in."""
        self.known_as = known_as
        self._callback = callback
        self._described: dict[str, Any] | None = None
        self._described_at = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    async def authorization_url(
        self, *, state: str, nonce: str, verifier: str, language: str, acr: str | None
    ) -> str:
        """Name the provider's page where the person signs in."""
        described = await self._description()
        asked = {
            "response_type": "code",
            "client_id": self.known_as.client_id,
            "redirect_uri": self._callback,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "ui_locales": f"{language}-CA {language}",
        }
        if wanted := acr or self.known_as.acr:
            asked["acr_values"] = wanted
        endpoint = str(described["authorization_endpoint"])
        joint = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{joint}{urlencode(asked)}"

    async def redeem(
        self, code: str, *, nonce: str, verifier: str, acr: str | None
    ) -> Identity:
        """Exchange a code for who signed in; raises SignInFailed, also without one."""
        if not code:
            raise SignInFailed("refused", "no code")
        described = await self._description()
        answer = await self._ask(
            "POST",
            str(described["token_endpoint"]),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._callback,
                "code_verifier": verifier,
            },
            auth=(self.known_as.client_id, self.known_as.client_secret),
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed("untrue", "no id_token")
        return self._identity(await self._claims(token, nonce=nonce), acr)

    async def _claims(self, token: str, *, nonce: str) -> Mapping[str, Any]:
        try:
            claims = await self._verified(token)
            jwt.JWTClaimsRegistry(
                leeway=_CLOCKS_APART_S,
                iss={"essential": True, "value": self.known_as.issuer},
                aud={"essential": True, "value": self.known_as.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(dict(claims))
        except (JoseError, ValueError, KeyError) as wrong:
            raise SignInFailed("untrue", type(wrong).__name__) from wrong
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and claims.get("azp") != self.known_as.client_id:
            raise SignInFailed("untrue", "azp")
        return claims

    async def _verified(self, token: str) -> Mapping[str, Any]:
        """Check the signature; a key that is not known yet is asked for once."""
        keys = await self._key_set()
        try:
            return jwt.decode(token, keys, algorithms=list(_ALGORITHMS)).claims
        except (JoseError, ValueError):
            if time.monotonic() - self._keys_at < _ASKED_AGAIN_S:
                raise
        self._keys = None
        keys = await self._key_set()
        return jwt.decode(token, keys, algorithms=list(_ALGORITHMS)).claims

    def _identity(self, claims: Mapping[str, Any], asked_acr: str | None) -> Identity:
        wanted = (asked_acr or self.known_as.acr or "").split()
        acr = claims.get("acr")
        if wanted and acr not in wanted:
            raise SignInFailed("too_weak", str(acr))
        groups = claims.get("groups")
        named = groups if isinstance(groups, list) else []
        at = claims.get("auth_time", claims["iat"])
        return Identity(
            self.known_as.audience,
            str(claims["sub"]),
            str(claims.get("name", ""))[:200],
            frozenset(str(group) for group in named),
            acr if isinstance(acr, str) else None,
            datetime.fromtimestamp(float(at), UTC),
        )

    async def end_session_url(self) -> str | None:
        """Name the page where the provider's own session ends, if it has one."""
        try:
            url = (await self._description()).get("end_session_endpoint")
        except SignInFailed:
            return None
        return url if isinstance(url, str) and self._is_safe(url) else None

    async def _description(self) -> dict[str, Any]:
        age = time.monotonic() - self._described_at
        if self._described is None or age > _KEPT_S:
            issuer = self.known_as.issuer
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            described = await self._ask("GET", url)
            if described.get("issuer") != issuer:
                raise SignInFailed("untrue", "another issuer")
            for name in _ENDPOINTS:
                if not self._is_safe(str(described.get(name, ""))):
                    raise SignInFailed("untrue", name)
            self._described, self._described_at = described, time.monotonic()
        return self._described

    async def _key_set(self) -> KeySet:
        age = time.monotonic() - self._keys_at
        if self._keys is None or age > _KEPT_S:
            found = await self._ask("GET", str((await self._description())["jwks_uri"]))
            try:
                self._keys = KeySet.import_key_set({"keys": found["keys"]})
            except (JoseError, ValueError, KeyError, TypeError) as wrong:
                raise SignInFailed("untrue", "jwks") from wrong
            self._keys_at = time.monotonic()
        return self._keys

    def _is_safe(self, url: str) -> bool:
        """Take https, or plain http on this machine where the issuer is there too."""
        asked, issuer = urlsplit(url), urlsplit(self.known_as.issuer)
        if asked.scheme == "https":
            return bool(asked.hostname)
        return (
            asked.scheme == "http"
            and asked.hostname in _LOOPBACK
            and issuer.hostname in _LOOPBACK
        )

    async def _ask(self, method: str, url: str, **sent: Any) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(
                timeout=_PATIENCE_S,
                trust_env=False,
                follow_redirects=False,
                verify=authorities(),
            ) as client:
                answer = await client.request(method, url, **sent)
        except (httpx2.HTTPError, httpx2.InvalidURL) as away:
            raise SignInFailed("away", type(away).__name__) from away
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise SignInFailed("away", str(answer.status_code))
        if answer.status_code != httpx2.codes.OK:
            raise SignInFailed("refused", str(answer.status_code))
        try:
            said = answer.json()
        except ValueError as wrong:
            raise SignInFailed("untrue", "no JSON") from wrong
        if not isinstance(said, dict):
            raise SignInFailed("untrue", "no object")
        return said


def challenge_of(verifier: str) -> str:
    """Derive the challenge of a PKCE verifier (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
