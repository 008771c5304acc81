"""The two cookies: one for a sign-in that is under way, one for a session."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response

from records.sessions import SIGN_IN_LIMIT

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Cookies:
    """What they are called and how they are set at one address of the service.

    Where the service is reached by https, the prefix ties them to this host. On the
    one-machine stack it is reached by http, and no browser would keep them so.
    """

    secure: bool

    @classmethod
    def at(cls, public_url: str) -> "Cookies":
        """Choose for the address of the service."""
        return cls(urlsplit(public_url).scheme == "https")

    def session(self, request: Request) -> str | None:
        """Read the session's value, if the browser sent one."""
        return request.cookies.get(self._name("session"))

    def keep_session(self, answer: Response, value: str) -> None:
        """Give the browser its session; it forgets it when it closes."""
        self._set(answer, "session", value, max_age=None)

    def forget_session(self, answer: Response) -> None:
        """Take the session away from the browser."""
        self._drop(answer, "session")

    def browser(self, request: Request) -> str | None:
        """Read the value that ties a sign-in under way to this browser."""
        return request.cookies.get(self._name("sign_in"))

    def keep_browser(self, answer: Response, value: str) -> None:
        """Tie a sign-in under way to this browser."""
        limit = int(SIGN_IN_LIMIT.total_seconds())
        self._set(answer, "sign_in", value, max_age=limit)

    def forget_browser(self, answer: Response) -> None:
        """The sign-in is over."""
        self._drop(answer, "sign_in")

    def _name(self, what: str) -> str:
        return f"__Host-echeance_{what}" if self.secure else f"echeance_{what}"

    def _set(
        self, answer: Response, what: str, value: str, *, max_age: int | None
    ) -> None:
        answer.set_cookie(
            self._name(what),
            value,
            max_age=max_age,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def _drop(self, answer: Response, what: str) -> None:
        answer.delete_cookie(
            self._name(what),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )


def new_value() -> str:
    """Draw a value nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(value: str) -> str:
    """Name a value as the records keep it: who reads them can use none of them."""
    return hashlib.sha256(value.encode()).hexdigest()


def form_token_of(session_value: str) -> str:
    """Derive what each form of a session carries, and no page elsewhere can know."""
    return hmac.new(session_value.encode(), b"form", hashlib.sha256).hexdigest()
