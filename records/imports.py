"""Files of certificates that are brought in: how far each is, and what it refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base, DossierRow

KEPT_FOR = timedelta(days=30)
"""How long a file is kept once nothing is done with it any more (our policy)."""

_BEGUN_WITHIN = timedelta(minutes=2)
_ALONE = 20190802  # any number, the same in every process


class ImportRow(Base):
    """One file; *import_id* is the hash of its bytes, so the same file is one import.

    *written* counts the lines whose rows are kept, *started* those whose stories were
    begun as well: whoever goes on knows where. *foreseen* is what was announced before
    anybody said yes.
    """

    __tablename__ = "imports"

    import_id: Mapped[str] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    content: Mapped[bytes]
    lines: Mapped[int]
    foreseen: Mapped[dict[str, Any]]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    begun_by: Mapped[str | None]
    begun_at: Mapped[datetime | None]
    written: Mapped[int] = mapped_column(server_default="0")
    started: Mapped[int] = mapped_column(server_default="0")
    made: Mapped[int] = mapped_column(server_default="0")
    there: Mapped[int] = mapped_column(server_default="0")
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("import_id ~ '^[0-9a-f]{64}$'", name="import_id"),
        CheckConstraint("started <= written AND written <= lines", name="progress"),
    )

    @property
    def refused(self) -> int:
        """How many of the lines written so far were refused."""
        return self.written - self.made - self.there


class RefusedLine(Base):
    """A line that is not taken, and each thing wrong with it; *line* as in the file."""

    __tablename__ = "import_refusals"

    import_id: Mapped[str] = mapped_column(
        ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True)
    faults: Mapped[list[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch of lines came to."""

    lines: int
    made: int
    there: int
    refused: Mapping[int, list[dict[str, str]]]


async def keep_file(
    session: AsyncSession,
    *,
    import_id: str,
    file_name: str,
    content: bytes,
    lines: int,
    foreseen: Mapping[str, object],
    refused: Mapping[int, list[dict[str, str]]],
    by: str,
) -> bool:
    """Keep a file that was looked at; False when the same file is being brought in.

    Looked at again before anybody said yes, the newest look counts.
    """
    row = insert(ImportRow).values(
        import_id=import_id,
        file_name=file_name,
        content=content,
        lines=lines,
        foreseen=dict(foreseen),
        uploaded_by=by,
    )
    kept = row.on_conflict_do_update(
        index_elements=[ImportRow.import_id],
        set_={
            "foreseen": row.excluded.foreseen,
            "file_name": row.excluded.file_name,
            "uploaded_by": row.excluded.uploaded_by,
            "uploaded_at": func.now(),
        },
        where=ImportRow.begun_at.is_(None),
    )
    if await session.scalar(kept.returning(ImportRow.import_id)) is None:
        return False
    await _forget_refusals(session, import_id)
    await add_refusals(session, import_id, refused)
    return True


async def begin(session: AsyncSession, import_id: str, *, by: str) -> bool:
    """Say yes to a file, once; False when somebody did before, or nobody keeps it.

    One that ended with refused lines may be begun again: what it made is there.
    """
    begun = (
        update(ImportRow)
        .where(
            ImportRow.import_id == import_id,
            ImportRow.begun_at.is_(None) | ImportRow.ended_at.is_not(None),
        )
        .values(
            begun_by=by,
            begun_at=func.now(),
            ended_at=None,
            **dict.fromkeys(("written", "started", "made", "there"), 0),
        )
        .returning(ImportRow.import_id)
    )
    if await session.scalar(begun) is None:
        return False
    await _forget_refusals(session, import_id)
    return True


async def act_alone(session: AsyncSession) -> None:
    """Let one batch of any file follow another: two at once would not see each other.

    Held to the end of the transaction.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_ALONE)))


async def import_numbered(session: AsyncSession, import_id: str) -> ImportRow | None:
    """Find a file by its hash."""
    return await session.get(ImportRow, import_id, populate_existing=True)


async def newest_imports(session: AsyncSession, *, limit: int) -> Sequence[ImportRow]:
    """Which files came last?"""
    newest = select(ImportRow).order_by(ImportRow.uploaded_at.desc()).limit(limit)
    return (await session.scalars(newest)).all()


async def imports_not_ended(session: AsyncSession) -> Sequence[str]:
    """Which files did somebody say yes to, that are not brought in to the end?"""
    query = (
        select(ImportRow.import_id)
        .where(ImportRow.begun_at.is_not(None), ImportRow.ended_at.is_(None))
        .order_by(ImportRow.begun_at)
    )
    return (await session.scalars(query)).all()


async def on_their_way(session: AsyncSession) -> frozenset[str]:
    """Which dossiers has an import kept, whose stories it is about to begin?"""
    if not await imports_not_ended(session):
        return frozenset()
    # A batch is begun in seconds; one whose import stands still is not waited for.
    lately = func.now() - _BEGUN_WITHIN
    query = select(DossierRow.number).where(
        DossierRow.opening_key.startswith("import:"),
        DossierRow.version == 1,
        DossierRow.kept_at > lately,
    )
    return frozenset(await session.scalars(query))


async def refusals_of(
    session: AsyncSession, import_id: str, *, limit: int | None = None
) -> Sequence[RefusedLine]:
    """Which lines were refused, in the order of the file?"""
    query = (
        select(RefusedLine)
        .where(RefusedLine.import_id == import_id)
        .order_by(RefusedLine.line)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def note_written(session: AsyncSession, row: ImportRow, step: Step) -> None:
    """Note a batch in the transaction that keeps its rows."""
    row.written += step.lines
    row.made += step.made
    row.there += step.there
    await add_refusals(session, row.import_id, step.refused)


async def note_started(
    session: AsyncSession, import_id: str, *, since: int, upto: int
) -> None:
    """Note that the stories of the lines from *since* to *upto* were begun.

    Nothing is noted over lines that another still works at. The last one ends it.
    """
    await session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == import_id, ImportRow.started == since)
        .values(
            started=upto,
            ended_at=case((ImportRow.lines == upto, func.now()), else_=None),
        )
    )


async def add_refusals(
    session: AsyncSession, import_id: str, refused: Mapping[int, list[dict[str, str]]]
) -> None:
    """Keep why lines are refused."""
    rows = [
        {"import_id": import_id, "line": line, "faults": faults}
        for line, faults in refused.items()
    ]
    if rows:
        await session.execute(insert(RefusedLine), rows)


async def forget_old_imports(session: AsyncSession, now: datetime) -> int:
    """Delete files that nothing is done with any more; say how many went."""
    idle = func.coalesce(ImportRow.ended_at, ImportRow.uploaded_at)
    at_work = ImportRow.begun_at.is_not(None) & ImportRow.ended_at.is_(None)
    gone = await session.scalars(
        delete(ImportRow)
        .where(idle < now - KEPT_FOR, ~at_work)
        .returning(ImportRow.import_id)
    )
    return len(gone.all())


async def _forget_refusals(session: AsyncSession, import_id: str) -> None:
    await session.execute(delete(RefusedLine).where(RefusedLine.import_id == import_id))
