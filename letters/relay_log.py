"""What the relay's log says of a letter whose answer was lost."""

from urllib.parse import quote

import httpx2

from outward import authorities

_LOG_SECONDS = 10.0


async def relay_has(relay_log_url: str, message_id: str) -> bool | None:
    """Ask the relay's log whether it took a Message-ID; None when it cannot tell."""
    url = f"{relay_log_url.rstrip('/')}/{quote(message_id, safe='')}"
    try:
        async with httpx2.AsyncClient(
            timeout=_LOG_SECONDS, trust_env=False, verify=authorities()
        ) as client:
            status = (await client.get(url)).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
    return {200: True, 404: False}.get(status)
