"""Agencies invited to sign in: one open invitation each, for one account, once."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.accounts import agency_with_account
from records.models import Agency, Base

INVITED_FOR = timedelta(days=30)
"""How long an invitation serves (our policy, not law)."""


class AgencyInvitation(Base):
    """The newest invitation of an agency; only the hash of its secret is kept.

    *accepted_by* is the account that took it up: from then on it serves nobody else.
    """

    __tablename__ = "agency_invitations"

    permit: Mapped[str] = mapped_column(
        ForeignKey("agencies.permit", ondelete="CASCADE"), primary_key=True
    )
    secret_hash: Mapped[str] = mapped_column(unique=True)
    by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accepted_by: Mapped[str | None]
    accepted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name="secret_hash"),
        CheckConstraint(
            "(accepted_by IS NULL) = (accepted_at IS NULL)", name="accepted"
        ),
    )


def hash_of_invitation(secret: str) -> str:
    """Name an invitation by what is kept of its secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def invite_agency(
    session: AsyncSession, permit: str, secret: str, *, by: str
) -> datetime:
    """Invite a known agency, and say until when; an earlier invitation ends."""
    row = insert(AgencyInvitation).values(
        permit=permit, secret_hash=hash_of_invitation(secret), by=by
    )
    made_at: datetime | None = await session.scalar(
        row.on_conflict_do_update(
            index_elements=[AgencyInvitation.permit],
            set_={
                "secret_hash": row.excluded.secret_hash,
                "by": row.excluded.by,
                "made_at": func.now(),
                "accepted_by": None,
                "accepted_at": None,
            },
        ).returning(AgencyInvitation.made_at)
    )
    assert made_at is not None
    return made_at + INVITED_FOR


async def invited_by(
    session: AsyncSession, secret: str, account: str
) -> tuple[AgencyInvitation, Agency] | None:
    """Which agency does this secret invite, if it still serves this account?"""
    found = await session.execute(
        select(AgencyInvitation, Agency)
        .join(Agency, Agency.permit == AgencyInvitation.permit)
        .where(
            AgencyInvitation.secret_hash == hash_of_invitation(secret),
            AgencyInvitation.made_at > func.now() - INVITED_FOR,
            AgencyInvitation.accepted_by.is_(None)
            | (AgencyInvitation.accepted_by == account),
        )
        .with_for_update()
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def accept_invitation(
    session: AsyncSession, invitation: AgencyInvitation, agency: Agency, account: str
) -> bool:
    """Let *account* answer for the invited agency; again changes nothing more.

    The account that answered for it before no longer does. False, and nothing is
    changed, when *account* answers for another agency.
    """
    own = await agency_with_account(session, account)
    if own is not None and own.permit != agency.permit:
        return False
    agency.sign_in_subject = account
    invitation.accepted_by = account
    invitation.accepted_at = func.now()
    return True
