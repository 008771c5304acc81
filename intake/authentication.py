"""Did our own mail server find that a message comes from where it says? (RFC 8601)"""

import re
from enum import StrEnum, auto

from intake.headers import Headers, unfolded

_CHARACTERS = 4_000
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_QUOTED})|\([^()]*\)")
_NESTED_COMMENTS = 5
_STATEMENT = re.compile(rf'(?:{_QUOTED}|[^;"])+')
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)")
_DOMAIN = re.compile(
    r"\b(header\.from|header\.d|header\.i|smtp\.mailfrom|smtp\.mail)\s*=\s*"
    r'"?(?:[^\s;"@]{0,64}@)?([a-z0-9._-]{1,255})'
)


class Proof(StrEnum):
    """What is known of a sender; never that a person wrote, only from which domain."""

    PASS = auto()
    FAIL = auto()
    NONE = auto()


def proof_of(headers: Headers, sender: str | None, authserv_id: str | None) -> Proof:
    """
    Read what the server named *authserv_id* found about the domain of *sender*.

    DMARC decides where it was checked and said pass or fail; else one DKIM or SPF pass
    whose domain is the sender's, or lies above it: a parent speaks for its children, a
    child never for its parent, since without a list of public suffixes the parent may
    be anybody's.

    Our server must take out what others wrote under its name (RFC 8601 section 5).
    Should it not, little is won: its own line is the topmost and is believed first,
    and a pass opens nothing that the lack of any line does not.
    """
    if not authserv_id or sender is None:
        return Proof.NONE
    domain = sender.rpartition("@")[2]
    said = [
        statement
        for value in _of_our_server(headers, authserv_id.strip().lower())
        for statement in _statements(value)
    ]
    dmarc = next((each for each in said if each[0] == "dmarc"), None)
    match dmarc:
        case _, "fail", _:
            return Proof.FAIL
        case _, "pass", found if found.get("header.from", domain) == domain:
            return Proof.PASS
    return Proof.PASS if any(_aligned(each, domain) for each in said) else Proof.NONE


_Statement = tuple[str, str, dict[str, str]]


def _of_our_server(headers: Headers, authserv_id: str) -> list[str]:
    """Return the topmost unbroken run of its lines: what stands lower is a forgery.

    Lines of other servers above it are passed over; below it they end the run, and so
    does a trace of transport.
    """
    run: list[str] = []
    for name, raw in headers.in_order:
        if name == "authentication-results":
            value = _without_comments(unfolded(raw, _CHARACTERS).lower())
            server, _, results = value.partition(";")
            words = server.split()
            if words and words[0].strip('"') == authserv_id:
                run.append(results)
            elif run:
                break
        elif run and name == "received":
            break
    return run


def _without_comments(value: str) -> str:
    for _ in range(_NESTED_COMMENTS):
        shorter = _COMMENT.sub(lambda found: found[1] or " ", value)
        if shorter == value:
            break
        value = shorter
    return value


def _statements(results: str) -> list[_Statement]:
    """Read « dkim=pass header.d=a.example; spf=fail … », each with its domains."""
    found: list[_Statement] = []
    for statement in _STATEMENT.findall(results):
        result = _RESULT.match(statement)
        if result:
            domains = dict(reversed(_DOMAIN.findall(statement)))
            found.append((result[1], result[2], domains))
    return found


_PROVES = {
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mail"),
}


def _aligned(statement: _Statement, domain: str) -> bool:
    method, result, domains = statement
    if result != "pass" or method not in _PROVES:
        return False
    proven = [domains[name] for name in _PROVES[method] if name in domains]
    return any(
        domain == each or ("." in each and domain.endswith("." + each))
        for each in proven[:1]
    )
