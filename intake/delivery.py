"""Facts in: kept with what they came with, then told to the dossier's story."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.service import RPCError

from engine import signal_fact
from records.database import Sessions
from records.models import FactRow
from rules.numbers import DossierNumber
from workflows.messages import FACTS, AnyFact

DELIVERY_LIMIT = timedelta(seconds=5)
"""The longest a caller waits for all its facts together; a sweep tells the rest."""

_ANSWER_LIMIT = timedelta(seconds=3)
"""The longest somebody's answer waits for a fact, already kept, to reach its story."""

_UNDELIVERED = ("new", "signalled")
_AT_ONCE = 8
_PAUSE_S = 0.5
_PAUSES_S = (1, 2, 4, 8, 15, 30)
"""A sweep tells what was kept for a minute."""
_MOST_LEFT = 1000

_log = logging.getLogger(__name__)


async def store_fact(
    session: AsyncSession, number: DossierNumber, fact: AnyFact
) -> bool:
    """Keep a fact in the caller's transaction; False when it was kept before."""
    row = insert(FactRow).values(
        fact_id=fact.fact_id,
        dossier=number,
        kind=fact.kind,
        source=fact.source,
        body=fact.model_dump(mode="json"),
        occurred_at=fact.occurred_at,
        received_at=fact.received_at,
    )
    once = row.on_conflict_do_nothing().returning(FactRow.fact_id)
    return await session.scalar(once) is not None


async def deliver(
    sessions: Sessions,
    client: Client,
    fact_ids: Sequence[str],
    *,
    limit: timedelta = DELIVERY_LIMIT,
) -> tuple[str, ...]:
    """Tell kept facts to their dossiers; return the ids left, for a later sweep.

    Never raises because Temporal or the database is away: the facts are kept. Those
    applied, set aside or unknown are passed over. Facts of one dossier are told in the
    order given; *limit* bounds the whole. Open no transaction around it.
    """
    telling = _Telling(client, list(dict.fromkeys(fact_ids)))
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await telling.tell(await _kept_once_back(sessions, telling.left))
    except TimeoutError:
        _log.warning("delivery reached its limit of %s", limit)
    await _mark_signalled(sessions, telling.told)
    return tuple(telling.left)


class Courier:
    """Tells kept facts for one process, and tries again what could not be told at once.

    It tries for a minute, in memory: after that, or after a death, a sweep tells it.
    """

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions = sessions
        self._client = client
        self._left: dict[str, None] = {}
        self._trying: asyncio.Task[None] | None = None

    async def tell(self, fact_ids: Sequence[str]) -> bool:
        """Tell facts in the order given; False if some are told later. Never raises."""
        left = await deliver(
            self._sessions, self._client, fact_ids, limit=_ANSWER_LIMIT
        )
        if left and len(self._left) < _MOST_LEFT:
            self._left |= dict.fromkeys(left)
            if self._trying is None or self._trying.done():
                self._trying = asyncio.create_task(self._try_again())
        return not left

    async def _try_again(self) -> None:
        for pause in _PAUSES_S:
            await asyncio.sleep(pause)
            asked = list(self._left)
            left = await deliver(self._sessions, self._client, asked)
            for told in frozenset(asked).difference(left):
                del self._left[told]
            if not self._left:
                return
        self._left.clear()

    async def close(self) -> None:
        """Leave the rest to a sweep."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait({self._trying})


@dataclass(slots=True)
class _Telling:
    """One delivery: what is left shrinks as facts are told."""

    client: Client
    left: list[str]
    told: list[str] = field(default_factory=list)

    async def tell(self, rows: Sequence[FactRow]) -> None:
        kept = {row.fact_id: row for row in rows}
        waiting = {i for i, row in kept.items() if row.state in _UNDELIVERED}
        self.left = [fact_id for fact_id in self.left if fact_id in waiting]
        by_dossier: defaultdict[str, list[FactRow]] = defaultdict(list)
        for fact_id in self.left:
            by_dossier[kept[fact_id].dossier].append(kept[fact_id])
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for facts in by_dossier.values():
                group.create_task(self._tell_one_dossier(facts, room))

    async def _tell_one_dossier(
        self, rows: Sequence[FactRow], room: asyncio.Semaphore
    ) -> None:
        async with room:
            for row in rows:
                if await self._signal(row):
                    self.told.append(row.fact_id)
                    self.left.remove(row.fact_id)

    async def _signal(self, row: FactRow) -> bool:
        try:
            fact = FACTS.validate_python(row.body)
            await signal_fact(self.client, DossierNumber(row.dossier), fact)
        except (TimeoutError, RPCError, RuntimeError) as away:
            # RuntimeError is how a lazy client says that it cannot connect.
            _log.warning("fact %s not delivered: %s", row.fact_id, type(away).__name__)
            return False
        except ValidationError:
            _log.exception("fact %s cannot be read back", row.fact_id)
            return False
        return True


async def _kept_once_back(
    sessions: Sessions, fact_ids: Sequence[str]
) -> Sequence[FactRow]:
    """Read the facts, again and again while the database is away."""
    while True:
        try:
            return await _kept(sessions, fact_ids)
        except SQLAlchemyError as away:
            _log.warning("facts wait, the database is away: %s", type(away).__name__)
            await asyncio.sleep(_PAUSE_S)


async def _kept(sessions: Sessions, fact_ids: Sequence[str]) -> Sequence[FactRow]:
    async with sessions() as session:
        rows = select(FactRow).where(FactRow.fact_id.in_(fact_ids))
        return (await session.scalars(rows)).all()


async def _mark_signalled(sessions: Sessions, fact_ids: Sequence[str]) -> None:
    """Note the hour of telling; a mark that is lost costs one more signal, no more."""
    if not fact_ids:
        return
    marked = (
        update(FactRow)
        # The story may have applied it meanwhile.
        .where(FactRow.fact_id.in_(fact_ids), FactRow.state.in_(_UNDELIVERED))
        .values(state="signalled", changed_at=func.now())
    )
    try:
        async with asyncio.timeout(DELIVERY_LIMIT.total_seconds()):
            async with sessions.begin() as session:
                await session.execute(marked)
    except (SQLAlchemyError, TimeoutError) as away:
        _log.warning("facts told but not marked: %s", type(away).__name__)
