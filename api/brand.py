"""The operator's own look: a stylesheet, a logo, fonts; read once, from one folder."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from settings import Settings, SettingsError

STYLE = "brand.css"
LOGO = "logo.svg"
_KINDS: Mapping[str, str] = {
    "css": "text/css",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\.(css|svg|png|woff2)")


@dataclass(frozen=True, slots=True)
class Brand:
    """The files of the folder, by name; none without one."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Brand":
        """Read the folder; raises SettingsError for one without its stylesheet."""
        if settings.brand_dir is None:
            return cls()
        try:
            found = {
                file.name: file.read_bytes()
                for file in sorted(settings.brand_dir.iterdir())
                if _NAME.fullmatch(file.name)
            }
        except OSError as unread:
            raise SettingsError(_unread(settings.brand_dir)) from unread
        if STYLE not in found:
            raise SettingsError(_unread(settings.brand_dir / STYLE))
        return cls(found)

    def address(self, name: str) -> str | None:
        """Name the address of a file, which changes with it; None without it."""
        if name not in self.files:
            return None
        mark = hashlib.sha256(self.files[name]).hexdigest()[:12]
        return f"/marque/{name}?v={mark}"

    @staticmethod
    def media_type(name: str) -> str:
        """Name the kind of a file, by its end."""
        return _KINDS[name.rpartition(".")[2]]


def _unread(path: Path) -> str:
    return (
        f"ECHEANCE_BRAND_DIR : {path} ne peut pas être lu. / "
        f"ECHEANCE_BRAND_DIR: {path} cannot be read."
    )
