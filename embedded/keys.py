"""Secrets of a one-machine installation, made at its first start."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def keys_dir(data_dir: Path) -> Path:
    """Return the folder of secret files (Settings reads it as secrets_dir)."""
    return data_dir / "secrets"


def make_keys(data_dir: Path) -> None:
    """Make each secret that does not exist yet, readable by us only."""
    folder = keys_dir(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, make in _MAKERS.items():
        if not (folder / name).exists():
            _write(folder / name, make())
    _make_signing_key(*signing_files(data_dir))


def signing_files(data_dir: Path) -> tuple[Path, Path]:
    """Return the files of the key that signs documents, and of its chain."""
    folder = keys_dir(data_dir)
    return folder / "signing_key.pem", folder / "signing_chain.pem"


def read_key(data_dir: Path, name: str) -> str:
    """Return one secret."""
    return (keys_dir(data_dir) / name).read_text()


def keep_database_url(data_dir: Path, url: str) -> None:
    """Keep the database's address, which holds its password, among the secrets."""
    _write(keys_dir(data_dir) / "echeance_database_url", url)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _make_signing_key(key: Path, chain: Path) -> None:
    if key.exists() and chain.exists():
        return
    from embedded.signing_chain import (  # noqa: PLC0415 - `doctor` answers without it
        make_signing_chain,
    )

    for file, text in zip((key, chain), make_signing_chain(), strict=True):
        _write(file, text)


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


_MAKERS: dict[str, Callable[[], str]] = {
    "postgres_password": lambda: secrets.token_urlsafe(24),
    "echeance_mail_key": lambda: secrets.token_urlsafe(32),
    "echeance_payment_webhook_secret": _webhook_secret,
    **{
        f"echeance_sign_in_{audience}_client_secret": lambda: secrets.token_urlsafe(32)
        for audience in ("person", "business", "staff")
    },
}
