"""A row written anew from its workflow: an older copy of the database came back."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from temporalio.client import Client

from activities.keeping import keep
from engine import story_of
from letters.compose import message_id
from letters.relay_log import relay_has
from records.database import Sessions
from records.models import DossierRow, Letter, TaskRow
from workflows.messages import DutyView, Entry, Record, StateView, TaskOpened
from workflows.renewal import RenewalWorkflow


@dataclass(frozen=True, slots=True)
class MailIdentity:
    """What Message-IDs are made of, and where a relay tells which it took."""

    secret: bytes
    domain: str
    relay_log_url: str | None = None


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Brings a row up to its workflow; the lines of history that are lost stay lost."""

    sessions: Sessions
    client: Client
    identity: MailIdentity | None = None

    async def write(self, told: StateView) -> None:
        """Keep what the workflow says, unless a later record was kept meanwhile.

        Letters that the relay's log still has are noted as handed over, so that the
        ledger is true again; what their duties settled is never sent a second time.
        Raises LookupError for a dossier without a row, RPCError while nobody answers.
        """
        duties = await story_of(self.client, told.number).query(
            RenewalWorkflow.show_agenda
        )
        settled = tuple(duty.key for duty in duties if duty.settled)
        record = Record(
            dossier=told.dossier,
            phase=told.phase,
            version=told.version,
            at=told.as_of,
            policy_version=told.policy_version,
            next_due_at=told.next_due_at,
            settled=settled,
            entries=(Entry(what="rewritten", at=told.as_of, by="rule"),),
        )
        async with self.sessions.begin() as session:
            row = await session.get(DossierRow, told.number, with_for_update=True)
            if row is None:
                raise LookupError(told.number)
            if row.version > told.version:
                return
            known = await session.scalars(
                select(TaskRow.task_id).where(
                    TaskRow.dossier == told.number, TaskRow.closed_at.is_(None)
                )
            )
            missing = {t.task_id for t in told.dossier.tasks} - set(known)
            record = record.model_copy(
                update={
                    "tasks_opened": tuple(
                        TaskOpened(
                            task_id=task.task_id,
                            reason=task.reason,
                            due_on=task.due_on,
                            about=task.task_id.rpartition(":")[2] or None,
                        )
                        for task in told.dossier.tasks
                        if task.task_id in missing
                    )
                }
            )
            row.version = min(row.version, told.version - 1)
            await session.flush()
            await keep(session, record)
        await self._find_letters(told, duties)

    async def _find_letters(self, told: StateView, duties: Sequence[DutyView]) -> None:
        if self.identity is None or self.identity.relay_log_url is None:
            return
        written = {d.key: d for d in duties if d.settled and d.notice is not None}
        async with self.sessions() as session:
            there = await session.scalars(
                select(Letter.key).where(Letter.key.in_(written))
            )
            unknown = written.keys() - set(there)
        for key in sorted(unknown):
            own = message_id(
                key, secret=self.identity.secret, domain=self.identity.domain
            )
            if await relay_has(self.identity.relay_log_url, own):
                await self._note_letter(told.number, written[key], own)

    async def _note_letter(self, number: str, duty: DutyView, own: str) -> None:
        row = insert(Letter).values(
            key=duty.key,
            dossier=number,
            notice=duty.notice,
            ordered={},
            occurred_at=duty.due_at,
            state="accepted",
            message_id=own,
            answer="found in the log",
        )
        async with self.sessions.begin() as session:
            await session.execute(row.on_conflict_do_nothing())
