"""Agencies from a command line: made known, and invited to sign in."""

import secrets
from collections.abc import Iterator

from intake.fees_by_hand import who_sits_here
from letters.compose import BadAddress, plain_address
from records.database import make_engine, make_sessions
from records.invitations import invite_agency
from records.opening import add_agency
from records.queries import agency_with_permit
from rules.civil_time import civil_date
from rules.numbers import parse_permit_number
from settings import Settings

_LANGUAGES = ("fr", "en")


async def invited(
    settings: Settings, permit: str, email: str, name: str, language: str, again: bool
) -> list[str]:
    """
    Invite an agency, and give the address to send to its mailbox, shown this once.

    An agency that is not known yet needs its *name*. Raises ValueError for a number, an
    address or a language that cannot be, or an agency that already signs in, unless
    *again*.
    """
    number = parse_permit_number(permit)
    if language not in _LANGUAGES:
        raise ValueError(f"{language!r} is not one of {', '.join(_LANGUAGES)}")
    try:
        plain_address(email)
    except BadAddress as wrong:
        raise ValueError(str(wrong)) from wrong
    engine = make_engine(settings.database_url, connections=2)
    secret = secrets.token_urlsafe(32)
    try:
        async with make_sessions(engine).begin() as session:
            known = await agency_with_permit(session, number)
            if known is None and not name.strip():
                raise ValueError(f"{number} is not known yet: say its --name")
            if known is not None and known.sign_in_subject and not again:
                raise ValueError(
                    f"{number} signs in already; --again lets another account take"
                    " its place"
                )
            await add_agency(
                session,
                permit=number,
                name=name.strip() or (known.name if known else ""),
                email=email,
                language=language,
            )
            until = await invite_agency(session, number, secret, by=who_sits_here())
    finally:
        await engine.dispose()
    base = f"{settings.public_url.rstrip('/')}/{language}/agence/invitation/{secret}"
    return list(_lines(number, email, base, f"{civil_date(until)}"))


def _lines(permit: str, email: str, address: str, until: str) -> Iterator[str]:
    yield f"{permit} is invited. Write to {email}, and to nobody else, this address:"
    yield address
    yield f"It serves one account, once, until {until}; it is not shown again."
