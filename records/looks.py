"""Who of the Office looked at a dossier, and when: a line for each reading."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base, DossierRow


class LookRow(Base):
    """One reading; *by* is an account of the Office, *what* is what was read."""

    __tablename__ = "looks"

    look_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    dossier: Mapped[str]
    by: Mapped[str]
    what: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_looks_dossier_look_id", "dossier", "look_id"),)


async def note_look(session: AsyncSession, number: str, by: str, what: str) -> None:
    """Note that *by* looks at a dossier; at one that does not exist nobody can."""
    there = select(DossierRow.number, literal(by), literal(what)).where(
        DossierRow.number == number
    )
    await session.execute(insert(LookRow).from_select(["dossier", "by", "what"], there))


async def looks_of(
    session: AsyncSession, number: str, *, limit: int
) -> Sequence[LookRow]:
    """Who looked at this dossier, newest first?"""
    query = (
        select(LookRow)
        .where(LookRow.dossier == number)
        .order_by(LookRow.look_id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()
