"""The HTML of a letter, and the rules under which it can do nothing at all."""

import re
from collections.abc import Mapping

# Nothing runs, nothing is loaded, nothing leaves, and only the letter's own page may
# frame it. A sandbox without any leave also stops forms, new windows and meta refresh.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# Chromium opens a connection for a frame before it asks the rules whether it may.
_FRAME = re.compile(r"<(/?)(?=i?frame)", re.IGNORECASE)
# The frame of a letter's page may go nowhere: a click would leave it empty.
_LINKS_ASLEEP = "<style>a{pointer-events:none}</style>"


def harmless(html: str, *, framed: bool) -> bytes:
    """Return a letter's HTML to be served under HEADERS, its frames made inert."""
    inert = _FRAME.sub(r"<\1inert-", html)
    return (inert + _LINKS_ASLEEP if framed else inert).encode(errors="replace")
