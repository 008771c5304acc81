"""Who may ask without an account, and how often: by a name that tells nobody."""

import hashlib
import hmac
import ipaddress
import math
from datetime import UTC, datetime

from fastapi import Request

from api.codes import Code
from api.errors import Refused
from api.parts import Parts, parts_of
from records.visits import count_visit

_NO_TRANSACTION = {"isolation_level": "AUTOCOMMIT"}
_SIGN_IN, _CALENDAR = "sign-in", "calendar"
_IPV6_HOUSEHOLD = 64
_NAMED_BY = 16


async def admit_visitor(request: Request) -> None:
    """Let a visitor of the public register through; raises Refused if too often."""
    parts = parts_of(request)
    most = parts.settings.verifications_per_minute
    await admit(parts, visitor_of(request), most=most)


async def admit_sign_in(request: Request) -> None:
    """Let who would sign in through; raises Refused if too often from one address."""
    parts = parts_of(request)
    await _count(
        parts,
        f"{_SIGN_IN}:{visitor_of(request)}",
        most=parts.settings.sign_ins_per_minute,
        most_of_all=parts.settings.sign_ins_per_minute_of_all,
        door=_SIGN_IN,
        refusal=Code.TOO_MANY_SIGN_INS,
    )


async def admit_calendar(request: Request, known: str | None) -> None:
    """Let who asks for a calendar through; raises Refused if too often.

    An address that leads somewhere is counted by itself, *known* being its hash: the
    services that follow addresses for people ask for all of them from a few machines.
    Who tries addresses is counted by where they ask from.
    """
    parts = parts_of(request)
    who = visitor_of(request) if known is None else known
    await _count(
        parts,
        f"{_CALENDAR}:{who}",
        most=parts.settings.verifications_per_minute,
        most_of_all=parts.settings.verifications_per_minute_of_all,
        door=_CALENDAR,
    )


async def admit(parts: Parts, visitor: str, *, most: int) -> None:
    """Count a question of *visitor*; raises Refused, with the seconds to wait."""
    most_of_all = parts.settings.verifications_per_minute_of_all
    await _count(parts, visitor, most=most, most_of_all=most_of_all)


async def _count(
    parts: Parts,
    visitor: str,
    *,
    most: int,
    most_of_all: int,
    door: str = "",
    refusal: Code = Code.TOO_MANY_REQUESTS,
) -> None:
    async with parts.sessions() as session:
        await session.connection(execution_options=_NO_TRANSACTION)
        wait = await count_visit(
            session,
            visitor,
            datetime.now(UTC),
            most=most,
            most_of_all=most_of_all,
            door=door,
        )
    if wait is not None:
        raise Refused(refusal, seconds=math.ceil(wait.total_seconds()))


def visitor_of(request: Request) -> str:
    """Name a visitor by a keyed hash of the address: without the key it is nobody's."""
    host = request.client.host if request.client else "nowhere"
    key = parts_of(request).settings.mail_key.get_secret_value().encode()
    name = f"visitor of the public register {_network(host)}"
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[: 2 * _NAMED_BY]


def _network(host: str) -> str:
    """Take the addresses of one household for one: a home has 2**64 of IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), _IPV6_HOUSEHOLD), strict=False))
