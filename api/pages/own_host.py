"""Who reaches pages that show dossiers without a session: this machine alone."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Header, HTTPException, Request, status

from api.parts import parts_of


async def asked_by_own_name(request: Request) -> None:
    """Refuse a name of somebody else that leads to this machine (DNS rebinding)."""
    settings = parts_of(request).settings
    asked, own = request.url.hostname or "", urlsplit(settings.public_url).hostname
    if not settings.embedded:
        return  # no page shows a dossier
    if asked != own and not _is_loopback(asked):
        raise HTTPException(status.HTTP_404_NOT_FOUND)


async def asked_from_own_page(
    sec_fetch_site: Annotated[str | None, Header()] = None,
) -> None:
    """Refuse a form that a page elsewhere sent."""
    if sec_fetch_site not in {None, "same-origin", "none"}:
        raise HTTPException(status.HTTP_400_BAD_REQUEST)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
