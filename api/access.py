"""Which machine may ask: tokens by role. People sign in (api/signin)."""

import hashlib
import json
import logging
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.parts import parts_of
from records.models import AccessToken
from records.queries import holder_of_token
from settings import Settings

log = logging.getLogger(__name__)


class Role(StrEnum):
    """Who may ask what. A role is not an identity: sign-in brings that."""

    REPRESENTATIVE = "representative"
    AGENCY = "agency"
    OFFICER = "officer"
    EXAM_BODY = "exam_body"
    REGISTER = "register"
    OPERATOR = "operator"


HOLDERS = {str(role): role for role in Role} | {"second_officer": Role.OFFICER}
"""Who has a development token: each role, and an officer more for a second look."""


OF_PEOPLE = frozenset({Role.REPRESENTATIVE, Role.AGENCY, Role.OFFICER})
"""Roles whose token would open everybody's dossiers: for the embedded stack only.

Elsewhere people sign in: nobody decides on a right with a word from a file.
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; *subject* is pseudonymous and is what timelines and decisions keep."""

    role: Role
    subject: str


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Development token of a role, from the file made at the first start.",
)


class Admitted:
    """A dependency that lets the holders of some roles through, and nobody else."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        """Name the caller; raises Refused without a token, or with another role's."""
        if credentials is None:
            raise Refused(Code.NOT_AUTHENTICATED)
        parts = parts_of(request)
        async with parts.sessions() as session:
            holder = await holder_of_token(session, token_hash(credentials.credentials))
        if holder is None or not _holds(holder.role, parts.settings):
            raise Refused(Code.NOT_AUTHENTICATED)
        caller = Caller(Role(holder.role), holder.subject)
        if caller.role not in self.roles:
            raise Refused(Code.WRONG_ROLE)
        return caller


def _holds(role: str, settings: Settings) -> bool:
    return settings.embedded or role not in OF_PEOPLE


Representative = Annotated[Caller, Depends(Admitted(Role.REPRESENTATIVE))]
Agency = Annotated[Caller, Depends(Admitted(Role.AGENCY))]
Officer = Annotated[Caller, Depends(Admitted(Role.OFFICER))]
ExamBody = Annotated[Caller, Depends(Admitted(Role.EXAM_BODY))]
Register = Annotated[Caller, Depends(Admitted(Role.REGISTER))]
Operator = Annotated[Caller, Depends(Admitted(Role.OPERATOR))]
"""Who runs the service: numbers only, no dossier."""
Reader = Annotated[Caller, Depends(Admitted(Role.REPRESENTATIVE, Role.OFFICER))]
"""Who may look into a dossier: its person, and the Office."""
AnyRole = Annotated[Caller, Depends(Admitted(*Role))]


def token_hash(token: str) -> str:
    """Name a token as the records keep it.

    Looking up a hash of a long random token tells nothing by its duration.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def tokens_file(settings: Settings) -> Path:
    """Name the file of the development tokens."""
    return settings.tokens_file or settings.data_dir / "tokens.json"


async def ensure_tokens(session: AsyncSession, file: Path) -> dict[str, str]:
    """
    Make the token of each holder that has none in *file*, and know their hashes.

    The file is readable by its owner only; what else it holds is left there. Returns
    the token of each holder. Raises OSError when the file cannot be read or made.
    """
    kept = _read(file)
    made = {name: secrets.token_urlsafe(32) for name in HOLDERS if name not in kept}
    if made:
        _write(file, kept | made)
    tokens = {name: (kept | made)[name] for name in HOLDERS}
    for name, token in tokens.items():
        await _remember(session, name, token)
    return tokens


async def know_tokens(session: AsyncSession, file: Path) -> None:
    """
    Know the tokens that the operator put in *file*, and no other machine's; make none.

    For several services at once: each would make its own, and the last one would win.
    Raises OSError when the file cannot be read.
    """
    given = _read(file)
    machines = [name for name, role in HOLDERS.items() if role not in OF_PEOPLE]
    gone = [f"dev-{name}" for name in machines if name not in given]
    await session.execute(delete(AccessToken).where(AccessToken.subject.in_(gone)))
    for name, token in given.items():
        if name in HOLDERS:
            await _remember(session, name, token)


async def _remember(session: AsyncSession, name: str, token: str) -> None:
    row = insert(AccessToken).values(
        token_hash=token_hash(token), role=HOLDERS[name], subject=f"dev-{name}"
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[AccessToken.role, AccessToken.subject],
            set_={"token_hash": row.excluded.token_hash},
        )
    )


def _read(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    kept: dict[str, str] = json.loads(text or "{}")
    return kept


def _write(file: Path, tokens: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
        json.dump(tokens, writing, indent=2)
        writing.flush()
        os.fsync(writing.fileno())
    partial.replace(file)
