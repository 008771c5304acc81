"""The workflow layer: the same lives on Temporal's test server, with the real effects.

Real here: the SDK and a server's own timers, retries and histories (nothing is cached:
each awakening replays the run), the activities, PostgreSQL, SMTP over a socket, the
relay's log, the intake of facts. Not followed here: pacing of mail and the grace of a
doubt, which are real seconds by the database's clock; the sandbox of workflows and the
printing of certificates, which cost much and change no duty. A life that begins before
this machine's own day is not lived here: the server's clock starts at that.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import activities.letters
from activities.certificates import Certificates
from activities.dossiers import Dossiers
from activities.letters import Letters, Post
from activities.pacing import pause_after
from activities.writing import Letterhead
from embedded.passing import passing_database
from engine import begin, story_of
from letters.compose import message_id
from letters.smtp import Relay as RelayAddress
from proof.histories import ASKED_AGAIN_IN, COMMANDS, History, Told
from proof.judge import Verdict, judge
from proof.listening import LOOPBACK
from proof.plants import patched
from proof.relay import Relay
from proof.rows import Rows
from proof.seen import Seen
from proof.skipping import Server, a_skipping_server
from proof.telling import command_of
from records.database import Sessions, make_engine, make_sessions
from records.pace import Pace
from rules.numbers import DossierNumber
from workflows.effects import MAIL, RENEWALS
from workflows.messages import LetterOrder, Posted, Story
from workflows.postbox import UNTIL_USELESS
from workflows.renewal import RenewalWorkflow

HEAD = Letterhead(
    sender="certificats@echeance.example",
    return_address="retour@echeance.example",
    intake_address="certificats@echeance.example",
    help_address="aide@echeance.example",
    public_url="https://echeance.example",
    domain="echeance.example",
    secret=b"a key of the proof",
)
NO_PACE = Pace(in_a_minute=60_000, in_a_minute_to_a_domain=60_000)
BETWEEN_LIVES = timedelta(minutes=1)

_ON_ITS_WAY: ContextVar[str] = ContextVar("_ON_ITS_WAY")


class DiedError(Exception):
    """The worker is killed here: its attempt ends without a word."""


class SteppedEffects:
    """The real effects, with the database's clock kept beside the server's."""

    def __init__(self, sessions: Sessions, server: Server, relay: Relay) -> None:
        address = RelayAddress(LOOPBACK, relay.port)
        log_url = f"http://{LOOPBACK}:{relay.log_port}/log"
        post = Post(address, NO_PACE, log_url, grace=timedelta())
        self._server = server
        self._relay = relay
        self._letters = Letters(sessions, post, HEAD)
        self._dossiers = Dossiers(sessions, server.client)
        self._certificates = Certificates(sessions)
        self.rows = Rows(sessions, server.client)

    async def close(self) -> None:
        """Take leave of the relay."""
        await self._letters.connections.close()

    def of_stories(self) -> list[Any]:
        """List the activities of the stories' queue."""
        dossiers, certificates = self._dossiers, self._certificates
        return [
            self.load_story,
            dossiers.read_policy,
            dossiers.keep_record,
            dossiers.deliver_told,
            dossiers.set_facts_aside,
            certificates.whose_certificate,
            certificates.move_result,
            certificates.claim_certificate,
        ]

    async def set_clock(self, *numbers: str) -> datetime:
        """Bring the database's idea of the dossiers' instant up to the server's."""
        now = await self._server.now()
        await self.rows.set_clocks(numbers, now - datetime.now(UTC))
        return now

    @activity.defn(name="load_story")
    async def load_story(self, number: str) -> Story | None:
        """Rebuild a story, at the server's instant."""
        await self.set_clock(number)
        return await self._dossiers.load_story(number)

    @activity.defn(name="send_letter")
    async def send_letter(self, order: LetterOrder) -> Posted:
        """Send a letter, at the server's instant; die where the history says."""
        own_id = message_id(order.key, secret=HEAD.secret, domain=HEAD.domain)
        self._relay.expect(own_id, order.key, order.notice)
        _ON_ITS_WAY.set(own_id)
        now = await self.set_clock(order.dossier)
        try:
            return await self._letters.send_letter(order)
        except DiedError:
            raise ApplicationError(
                "died", next_retry_delay=pause_after(activity.info().attempt)
            ) from None
        except ApplicationError as later:
            away, pause = self._relay.back_in(now), later.next_retry_delay
            if later.type != "Deferred" or pause is None or away <= pause:
                raise
            # Attempts on a relay that is away are passed over: a month has 3,000.
            longest = UNTIL_USELESS.maximum_interval
            assert longest is not None
            pause += -((pause - away) // longest) * longest
            raise ApplicationError(
                str(later), type="Deferred", next_retry_delay=pause
            ) from None

    @contextmanager
    def dying(self) -> Iterator[None]:
        """Have the crash points of a letter ask the history."""

        def crashpoint(name: str) -> None:
            if self._relay.worker_dies(_ON_ITS_WAY.get(), name):
                raise DiedError

        with patched([(activities.letters, "crashpoint", crashpoint)]):
            yield


@dataclass
class SteppedLife:
    """One history as it is lived."""

    history: History
    server: Server
    relay: Relay
    effects: SteppedEffects
    _due: list[tuple[datetime, int, str, Any]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _bills: dict[str, str | None] = field(default_factory=dict)
    _bounced: dict[str, datetime] = field(default_factory=dict)

    async def live(self) -> Seen:
        """Live it to its end."""
        history, rows = self.history, self.effects.rows
        await self.server.sleep_until(history.begins)
        self.relay.begin(history, self.server.now)
        await rows.clean()
        await rows.place(history)
        await self.effects.set_clock(*history.numbers)
        self._put_down_what_comes()
        async with AsyncExitStack() as at_work:
            await self._workers(at_work)
            for number in history.numbers:
                await begin(self.server.client, DossierNumber(number))
            await self._go_through(at_work)
            seen = await rows.seen(history.numbers, self.relay.mailbox, self._bounced)
            await self._end_stories()
        return seen

    def _put_down_what_comes(self) -> None:
        for told in self.history.told:
            if told.captured_at is not None:
                self._at(told.captured_at, "look", told)
            for at in (told.at, *told.again):
                self._at(at, "tell", told)
        for down in self.history.worker_down:
            self._at(down[0], "down", down[1])

    def _at(self, at: datetime, what: str, about: object) -> None:
        heappush(self._due, (at, next(self._order), what, about))

    async def _workers(self, at_work: AsyncExitStack) -> None:
        client, effects = self.server.client, self.effects
        stories = Worker(
            client,
            task_queue=RENEWALS,
            workflows=[RenewalWorkflow],
            activities=effects.of_stories(),
            workflow_runner=UnsandboxedWorkflowRunner(),
            debug_mode=True,  # a busy machine is no deadlock
            # A worker that went down must leave no run that waits for it alone; and
            # without a cache a second run would push the first out of its turn.
            max_cached_workflows=0,
            max_concurrent_workflow_tasks=1,
            max_concurrent_workflow_task_polls=1,
        )
        post = Worker(client, task_queue=MAIL, activities=[effects.send_letter])
        for worker in (stories, post):
            await at_work.enter_async_context(worker)

    async def _go_through(self, at_work: AsyncExitStack) -> None:
        while self._due:
            at, _, what, about = heappop(self._due)
            await self._tell_what_came_back(at)
            await self.server.sleep_until(at)
            match what:
                case "look":
                    self._bills[about.about] = await self.effects.rows.newest_bill(
                        about.to
                    )
                case "tell":
                    await self._tell(about)
                case "down":
                    await self._be_down(at_work, about)
        await self._tell_what_came_back(self.history.until)
        await self.server.sleep_until(self.history.until)

    async def _be_down(self, at_work: AsyncExitStack, until: datetime) -> None:
        """Stop the workers; facts wait for them, what is asked is asked again later."""
        await at_work.aclose()
        while self._due and self._due[0][0] < until:
            at, _, what, about = heappop(self._due)
            await self.server.sleep_without_worker(at)
            if what == "look":
                self._bills[about.about] = await self.effects.rows.newest_bill(about.to)
            elif about.what in COMMANDS:
                self._at(until + ASKED_AGAIN_IN, "tell", about)
            else:
                await self._tell(about)
        await self.server.sleep_without_worker(until)
        await self._workers(at_work)

    async def _tell(self, told: Told) -> None:
        await self.effects.set_clock(told.to)
        command = command_of(told)
        if command is None:
            bill = self._bills.get(told.about)
            await self.effects.rows.tell(told, bill, await self.server.now())
            return
        story = story_of(self.server.client, told.to)
        try:
            await story.execute_update(command.kind, command)
        except WorkflowUpdateFailedError:
            return  # refused: nothing comes of it
        except RPCError as closed:
            if closed.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _tell_what_came_back(self, until: datetime) -> None:
        """Tell of the letters that came back before *until*, each at its instant."""
        for key, at in sorted(self.relay.comes_back.items(), key=lambda x: x[1]):
            if key in self._bounced or at >= until:
                continue
            await self.server.sleep_until(at)
            self._bounced[key] = await self.server.now()
            await self.effects.rows.tell_returned(key, at)

    async def _end_stories(self) -> None:
        for number in self.history.numbers:
            try:
                await story_of(self.server.client, number).terminate("lived")
            except RPCError as closed:
                if closed.status is not RPCStatusCode.NOT_FOUND:
                    raise


def can_be_lived(history: History) -> bool:
    """Whether the server's clock, which starts at our own, can be moved to it."""
    return history.begins > datetime.now(UTC) + timedelta(days=1)


def chains_of(histories: Iterable[History]) -> list[list[History]]:
    """Put lives one behind the other, so that few servers are started."""
    chains: list[list[History]] = []
    for history in sorted(histories, key=lambda h: h.begins):
        ended = [c for c in chains if c[-1].until + BETWEEN_LIVES < history.begins]
        if ended:
            max(ended, key=lambda c: c[-1].until).append(history)
        else:
            chains.append([history])
    return chains


async def live_chain(
    chain: list[History], database_url: str
) -> AsyncIterator[tuple[History, Seen]]:
    """Live some histories one behind the other, on one server."""
    engine = make_engine(database_url)
    left = list(chain)
    try:
        while left:
            async with a_skipping_server() as env, Relay() as relay:
                server = Server(env)
                effects = SteppedEffects(make_sessions(engine), server, relay)
                with effects.dying():
                    async for lived in _live_on(server, relay, effects, left):
                        yield lived
                await effects.close()
    finally:
        await engine.dispose()


async def _live_on(
    server: Server, relay: Relay, effects: SteppedEffects, left: list[History]
) -> AsyncIterator[tuple[History, Seen]]:
    """Live what is left, up to a life that breaks: its server is of no more use."""
    while left:
        history = left.pop(0)
        try:
            yield history, await SteppedLife(history, server, relay, effects).live()
        except RPCError as stuck:
            yield history, Seen(trouble=[f"it does not come to rest: {stuck}"])
            return


async def verdicts_by(
    histories: Iterable[History], database_url: str
) -> list[tuple[History, Verdict]]:
    """Live histories and judge them; each of them can be lived."""
    return [
        (history, judge(history, seen))
        for chain in chains_of(histories)
        async for history, seen in live_chain(chain, database_url)
    ]


def verdicts_on(histories: Iterable[History]) -> list[tuple[History, Verdict]]:
    """Do it on a database of our own. Call it without a running event loop."""
    with passing_database() as (url, _folder):
        return asyncio.run(verdicts_by(histories, url))
