"""What a form may send: from a page of this inbox only, and of a bounded size."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST_FORM = 256 * 1024
LARGEST_FILE = 10_000_000
_AROUND_A_FILE = 16 * 1024
_MOST_FIELDS = 10


class NotTaken(HTTPException):
    """A form that nothing is made of; *key* names the sentence that says why."""

    def __init__(self, code: int, key: str) -> None:
        super().__init__(code)
        self.key = key


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in."""

    fields: Mapping[str, str]
    file: bytes = b""

    def __getitem__(self, name: str) -> str:
        """Return a field; an empty one where it was not sent."""
        return self.fields.get(name, "")


async def filled(request: Request, *, with_file: bool = False) -> Filled:
    """Read a form. Raises NotTaken, as a page in words."""
    _check_origin(request)
    limit = LARGEST_FILE + _AROUND_A_FILE if with_file else LONGEST_FORM
    _check_length(request, limit)
    try:
        async with request.form(
            max_files=1, max_fields=_MOST_FIELDS, max_part_size=LONGEST_FORM
        ) as form:
            fields = {k: v for k, v in form.items() if isinstance(v, str)}
            files = [v for v in form.values() if isinstance(v, UploadFile)]
            return Filled(fields, await files[0].read() if files else b"")
    except HTTPException:
        raise NotTaken(400, "sorry.unreadable") from None


def _check_origin(request: Request) -> None:
    """Refuse a form that a page elsewhere sent; a program says neither and may."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = f"http://{request.headers.get('host', '')}"
    is_ours = site in {"same-origin", "none"} if site else origin in {None, own}
    if not is_ours:
        raise NotTaken(403, "sorry.elsewhere")


def _check_length(request: Request, limit: int) -> None:
    # The server reads no more than was announced.
    told = request.headers.get("content-length", "")
    if not told.isascii() or not told.isdecimal():
        raise NotTaken(411, "sorry.unreadable")
    if len(told) > len(str(limit)) or int(told) > limit:
        raise NotTaken(413, "sorry.too_large")
