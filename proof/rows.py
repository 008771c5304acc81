"""A life in the real database: put there, told by the real intake, read back."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from temporalio.client import Client

from intake.delivery import deliver, store_fact
from intake.payments import take_in
from payments.events import Captured, Reversed
from payments.events import Told as ProviderTold
from proof.histories import History, Told
from proof.model import dossiers_of
from proof.seen import Mail, Seen
from proof.telling import fact_of
from records.clock import set_ahead
from records.database import Sessions
from records.dossiers import restored, stored
from records.models import Base, DossierRow, FactRow, Letter, Person, TaskRow
from records.opening import add_agency, find_or_add_person, register_holder
from records.timeline import verify_timeline
from rules.dossier import Dossier, Operation, Phase
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import AnyFact, LetterBounced, Source

_HOST = "courriel.example"
_FORGET = text(
    "; ".join(f"DELETE FROM {t.name}" for t in Base.metadata.sorted_tables)  # noqa: S608 # our own tables' names
)


def permits_of(history: History) -> list[PermitNumber]:
    """List the permits that a life speaks of."""
    links = history.old.links if history.old else ()
    named = {link.permit for link in links} | {told.permit for told in history.told}
    return sorted(PermitNumber(permit) for permit in named if permit)


class Rows:
    """The database of one life after another."""

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions = sessions
        self._client = client

    async def clean(self) -> None:
        """Forget the life before; append-only is for the product, not for us."""
        async with self._sessions.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(_FORGET)

    async def place(self, history: History, mailbox: str = "first") -> None:
        """Put one person's dossiers where opening and registering put them."""
        async with self._sessions.begin() as session:
            for permit in permits_of(history):
                await add_agency(
                    session,
                    permit=permit,
                    name=f"Agence {permit}",
                    email=f"{permit.lower()}@agence.example",
                    language="fr",
                )
            person = await find_or_add_person(
                session, name="Marie Côté", email=f"{mailbox}@{_HOST}", language="fr"
            )
            for dossier in dossiers_of(history):
                if dossier.terms and dossier.exam:
                    await register_holder(
                        session,
                        person_id=person,
                        number=dossier.number,
                        term=dossier.terms[-1],
                        exam=dossier.exam,
                        links=dossier.links,
                        at=history.begins,
                    )
                    continue
                row = DossierRow(
                    number=dossier.number,
                    kind=dossier.kind,
                    person_id=person,
                    opened_on=dossier.opened_on,
                    phase=Phase.EXAM_AWAITED,
                    facts=stored(dossier),
                )
                session.add(row)

    async def set_clocks(self, numbers: Iterable[str], ahead: timedelta) -> None:
        """Let the database know how far the dossiers' clock is ahead of its own."""
        async with self._sessions.begin() as session:
            for number in numbers:
                await set_ahead(session, number, ahead)

    # ------------------------------------------------------------------ what is told

    async def newest_bill(self, number: str) -> str | None:
        """Name the newest fee asked, as somebody sees it who comes to pay."""
        dossier = await self._dossier(number)
        operation = Operation.RENEWAL if dossier.terms else Operation.ISSUE
        asked = [i for i in dossier.invoices if i.operation is operation]
        return asked[-1].invoice_id if asked else None

    async def _dossier(self, number: str) -> Dossier:
        async with self._sessions() as session:
            return restored((await session.get_one(DossierRow, number)).facts)

    async def tell(self, told: Told, bill: str | None, now: datetime) -> None:
        """Tell one thing by the door it comes in; commands are the caller's."""
        match told.what:
            case "moved":
                await self._move(told)
            case "paid" | "reversed":
                await self._tell_of_money(told, bill)
            case _:
                fact = fact_of(told, "", now)
                assert fact is not None
                await self._tell(told.to, fact)

    async def tell_returned(self, key: str, at: datetime) -> None:
        """Tell that a letter came back."""
        fact = LetterBounced(
            fact_id=f"{key}:bounced",
            source=Source.RELAY,
            occurred_at=at,
            received_at=at,
            letter_key=key,
        )
        await self._tell(key.partition("/")[0], fact)

    async def _tell(self, number: str, fact: AnyFact) -> None:
        async with self._sessions.begin() as session:
            await store_fact(session, DossierNumber(number), fact)
        await self._deliver(fact.fact_id)

    async def _deliver(self, fact_id: str) -> None:
        left = await deliver(self._sessions, self._client, [fact_id])
        assert not left, f"{fact_id} was not delivered"

    async def _tell_of_money(self, told: Told, bill: str | None) -> None:
        if bill is None:
            return  # nothing was asked: nothing could be paid
        event: Captured | Reversed
        if told.what == "paid":
            assert told.captured_at is not None
            event = Captured(
                payment_id=told.about,
                invoice_id=bill,
                amount_cents=told.cents,
                currency="CAD",
                captured_at=told.captured_at,
            )
        else:
            event = Reversed(payment_id=told.about, reversed_at=told.at)
        async with self._sessions.begin() as session:
            fact_id = await take_in(session, ProviderTold(told.fact, event))
        if fact_id is not None:
            await self._deliver(fact_id)

    async def _move(self, told: Told) -> None:
        async with self._sessions.begin() as session:
            await session.execute(update(Person).values(email=f"{told.about}@{_HOST}"))

    # -------------------------------------------------------------------- what is seen

    async def seen(
        self,
        numbers: tuple[str, ...],
        mailbox: list[Mail],
        bounced: Mapping[str, datetime],
    ) -> Seen:
        """Read how it ended, the chain of each history included."""
        found = Seen(mailbox=mailbox, bounced=dict(bounced))
        async with self._sessions() as session:
            of = Letter.dossier.in_(numbers)
            for letter in await session.scalars(select(Letter).where(of)):
                found.letters[letter.key] = letter.state
            tasks = select(TaskRow.task_id).where(TaskRow.dossier.in_(numbers))
            found.tasks = set(await session.scalars(tasks))
            facts = select(FactRow).where(FactRow.dossier.in_(numbers))
            for fact in await session.scalars(facts):
                heard = fact.state == "applied"
                found.facts[fact.fact_id] = "applied" if heard else "new"
            for number in numbers:
                row = await session.get_one(DossierRow, number)
                found.phases[number] = row.phase
                terms = restored(row.facts).terms
                found.terms[number] = [(t.start, t.echeance) for t in terms]
                broken = await verify_timeline(session, number)
                if broken is not None:
                    found.trouble.append(f"{number}: line {broken} of its history")
        return found
