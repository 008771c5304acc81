"""Calls to services that are not ours: a relay's log, a payment provider, an issuer."""

import ssl
from functools import cache

import httpx2


@cache
def authorities() -> ssl.SSLContext:
    """Read the authorities whose certificates are trusted, once a process.

    To read them for each call takes 20 ms during which nothing else is done. They are
    the system's, or those that SSL_CERT_FILE or SSL_CERT_DIR name.
    """
    return httpx2.create_ssl_context()
