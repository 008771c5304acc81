"""The system layer: lives on the whole embedded stack, its processes killed meanwhile.

Many lives share one stack and one schedule of kills. Their days are moved so that they
begin today, since a dossier's clock starts at the real hour. Facts come by the API (the
exam, corrections, cancellations), by signed messages of the payment provider, or are
kept and delivered as the intake does (links, permits, wishes); whoever tells insists
until it is answered, as people do.

Not lived here: scripts of the relay and planned outages (the kills are those), changes
of address, and lives in which money goes back by itself: the simulated provider knows
nothing of captures that it did not make.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx2
import psycopg
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from standardwebhooks import Webhook
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.reconciling import reconcile_once
from embedded.clock import DossierClocks
from embedded.places import forget
from embedded.ports import Ports
from embedded.stack import EmbeddedStack
from engine import begin, connect, story_of
from proof.cohort import lives_from
from proof.histories import History, Told
from proof.judge import Verdict, judge
from proof.kills import Kills
from proof.reference.whole import expected
from proof.rows import Rows
from proof.seen import Mail, Seen
from records.database import Sessions, make_engine, make_sessions
from records.models import DossierRow, FactRow, Letter
from rules.numbers import DossierNumber
from settings import Settings
from workflows.renewal import RenewalWorkflow

AWAY = (
    httpx2.HTTPError,
    RPCError,
    SQLAlchemyError,
    psycopg.Error,
    OSError,
    TimeoutError,
    RuntimeError,
    AssertionError,
)
"""How it shows that a part is away just now."""

INSISTS_S = 400.0
TRUCE_AFTER_S = 45.0
"""Deaths without end would let nobody rest: they pause for who waits so long."""
_TRIED_NOW_AFTER_S = 75.0

_PAUSE_S = 0.1
_A_NO = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
_DAY = timedelta(days=1)
_AFTER_AN_EDGE = timedelta(hours=3)

Done = TypeVar("Done")


class GaveUpError(RuntimeError):
    """Somebody insisted for long enough; the text says on what."""


async def insist(what: str, act: Callable[[], Awaitable[Done]]) -> Done:
    """Try until it goes through."""
    limit = time.monotonic() + INSISTS_S
    while True:
        try:
            async with asyncio.timeout(20):
                return await act()
        except AWAY as away:
            if time.monotonic() > limit:
                raise GaveUpError(f"{what}: {type(away).__name__} {away}") from away
            await asyncio.sleep(_PAUSE_S)


# ------------------------------------------------------------------- one life lived


@dataclass
class Doors:
    """How people reach the stack; each insists."""

    settings: Settings
    sessions: Sessions
    client: Client
    http: httpx2.AsyncClient
    say: Callable[[str], None]
    kills: Kills
    tokens: dict[str, str] = field(init=False)
    clocks: DossierClocks = field(init=False)
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        assert self.settings.tokens_file is not None
        self.tokens = json.loads(self.settings.tokens_file.read_text())
        self.clocks = DossierClocks(self.settings, self.client, self.sessions)
        self.rows = Rows(self.sessions, self.client)

    async def post(self, role: str, path: str, body: Any, key: str) -> None:
        """Ask, again and again, until the answer is a yes or a no."""
        headers = {
            "Authorization": f"Bearer {self.tokens[role]}",
            "Idempotency-Key": key,
        }

        async def ask() -> None:
            answer = await self.http.post(f"/api/v1/{path}", headers=headers, json=body)
            _see_that_it_answers(answer)

        await insist(path, ask)

    async def tell_of_money(self, event: dict[str, Any]) -> None:
        """Post a signed message as the payment provider does."""
        secret = self.settings.payment_webhook_secret.get_secret_value()
        body = json.dumps(event)

        async def post() -> None:
            now, message = datetime.now(UTC), f"msg_{uuid4()}"
            headers = {
                "webhook-id": message,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(secret).sign(message, now, body),
            }
            answer = await self.http.post(
                "/api/v1/webhooks/payments", headers=headers, content=body
            )
            _see_that_it_answers(answer)

        await insist("a message of the provider", post)


def _see_that_it_answers(answer: httpx2.Response) -> None:
    if not answer.is_success and answer.status_code not in _A_NO:
        raise RuntimeError(f"{answer.status_code} {answer.text[:200]}")


@dataclass
class SystemLife:
    """One history as it is lived on the stack."""

    history: History
    doors: Doors
    _bills: dict[str, str | None] = field(default_factory=dict)

    async def live(self) -> None:
        """Live it to its end, from edge to edge."""
        history, doors = self.history, self.doors
        mailbox = f"first.{history.old_number.lower()}"
        await insist("place", lambda: self._place(mailbox))
        for number in history.numbers:
            one = DossierNumber(number)
            await insist("begin", lambda one=one: begin(doors.client, one))  # type: ignore[misc] # bound at once
        await self.settled()
        for at, told in self._edges():
            await self._advance(at)
            if told is not None:
                await self._tell(told, at)
            await self.settled()
        doors.say(f"{history.name}: lived")

    async def _place(self, mailbox: str) -> None:
        # Cut off after the commit, it is asked again of a dossier that is there.
        async with self.doors.sessions() as session:
            if await session.get(DossierRow, self.history.numbers[0]) is not None:
                return
        await self.doors.rows.place(self.history, mailbox)

    def _edges(self) -> list[tuple[datetime, Told | None]]:
        """Every instant at which something is told, or a letter has fallen due."""
        history = self.history
        edges: list[tuple[datetime, int, Told | None]] = []
        for n, told in enumerate(history.told):
            if told.captured_at is not None:
                edges.append((told.captured_at, n, None))
            edges += [(at, n, told) for at in (told.at, *told.again)]
        for duty in expected(history).duties.values():
            due = [lo for lo, _ in duty.windows]
            edges += [(lo + _AFTER_AN_EDGE, len(history.told), None) for lo in due]
        edges.append((history.until, len(history.told), None))
        inside = [e for e in edges if history.begins < e[0] <= history.until]
        return [(at, told) for at, _, told in sorted(inside, key=lambda e: e[:2])]

    async def _advance(self, at: datetime) -> None:
        numbers = self.history.numbers
        await insist("the clock", lambda: self.doors.clocks.advance(numbers, at))
        for told in self.history.told:
            if told.captured_at is not None and told.captured_at <= at:
                await self._look(told)

    async def _look(self, told: Told) -> None:
        if told.about not in self._bills:
            rows = self.doors.rows
            bill = await insist("a bill", lambda: rows.newest_bill(told.to))
            self._bills[told.about] = bill

    async def _tell(self, told: Told, at: datetime) -> None:
        doors, bill = self.doors, self._bills.get(told.about)
        doors.say(f"{self.history.name}: {told.what} {told.about} told")
        match told.what:
            case "paid" | "reversed" if bill is None:
                return
            case "paid":
                assert told.captured_at is not None
                event = {
                    "type": "payment.captured",
                    "payment_id": told.about,
                    "invoice_id": bill,
                    "amount_cents": told.cents,
                    "currency": "CAD",
                    "captured_at": told.captured_at.isoformat(),
                }
                await doors.tell_of_money(event)
            case "reversed":
                event = {
                    "type": "payment.reversed",
                    "payment_id": told.about,
                    "reversed_at": told.at.isoformat(),
                }
                await doors.tell_of_money(event)
            case "exam":
                body = {
                    "dossier": told.to,
                    "result_id": told.about,
                    "passed_on": str(told.on),
                }
                await doors.post("exam_body", "exam-results", body, str(uuid4()))
            case "corrected":
                body = {
                    "what": "echeance",
                    "value": str(told.on),
                    "text": "Correction.",
                }
                key = told.fact.removeprefix("correct-")
                await doors.post(
                    "officer", f"staff/dossiers/{told.to}/corrections", body, key
                )
            case "cancelled":
                key = str(uuid5(NAMESPACE_URL, told.fact))
                path = f"dossiers/{told.to}/cancellation"
                await doors.post("representative", path, {"text": "Fini."}, key)
            case _:
                await insist(told.what, lambda: doors.rows.tell(told, None, at))

    async def settled(self) -> None:
        """Wait until each story has heard all and its letters have left."""
        began = time.monotonic()
        kills, name = self.doors.kills, self.history.name
        try:
            while not await insist("settled", self._is_quiet):
                waited = time.monotonic() - began
                if waited > INSISTS_S:
                    raise GaveUpError(f"{name} does not come to rest")
                if waited > TRUCE_AFTER_S and name not in kills.truces:
                    self.doors.say(f"{name}: a truce")
                    kills.truces.add(name)
                if waited > _TRIED_NOW_AFTER_S:
                    await insist("attempts", self._have_tried_now)
                await asyncio.sleep(_PAUSE_S)
        finally:
            kills.truces.discard(name)

    async def _have_tried_now(self) -> None:
        """Have letters tried now that wait for their next attempt, as an operator may.

        A clock that jumps while a part is dead passes over the first pauses, so that
        many attempts fail in a second; the next pause is then a quarter of an hour.
        """
        client = self.doors.client
        for number in self.history.numbers:
            story = WorkflowExecution(workflow_id=number)
            asked = ResetActivityRequest(
                namespace=client.namespace, execution=story, type="send_letter"
            )
            try:
                await client.workflow_service.reset_activity(asked)
            except RPCError as none:
                if none.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def _is_quiet(self) -> bool:
        numbers = self.history.numbers
        for number in numbers:
            story = story_of(self.doors.client, number)
            view = await story.query(
                RenewalWorkflow.state, rpc_timeout=timedelta(seconds=5)
            )
            if view.letters_on_their_way or view.facts_waiting:
                return False
        async with self.doors.sessions() as session:
            waiting = select(FactRow.fact_id).where(
                FactRow.dossier.in_(numbers), FactRow.state.in_(("new", "signalled"))
            )
            return await session.scalar(waiting.limit(1)) is None

    async def seen(self, copies: Counter[str]) -> Seen:
        """Read how it ended; a mail is dated by the story's instant of its order."""
        numbers, mailbox = self.history.numbers, []
        async with self.doors.sessions() as session:
            rows = select(Letter).where(Letter.dossier.in_(numbers))
            for letter in await session.scalars(rows):
                times = copies[letter.message_id or ""]
                mailbox += [Mail(letter.key, letter.occurred_at, "first")] * times
        return await self.doors.rows.seen(numbers, mailbox, {})


# ---------------------------------------------------------------------- many lives


@dataclass
class Outcome:
    """What came of it: a verdict for each life, and what happened, second by second."""

    verdicts: list[tuple[History, Verdict]] = field(default_factory=list)
    sweep: list[str] = field(default_factory=list)
    kills: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many lives, or sweeps, are not as they must be."""
        return sum(bool(v.findings) for _, v in self.verdicts) + bool(self.sweep)


async def live_together(lives: Iterable[History], data_dir: Path, seed: int) -> Outcome:
    """Live histories side by side on one stack under one schedule of kills; judge."""
    outcome, began = Outcome(), time.monotonic()

    def say(line: str) -> None:
        outcome.log.append(f"{time.monotonic() - began:8.2f}  {line}")

    async with EmbeddedStack(data_dir, Ports.free()) as stack:
        settings = stack.settings
        engine = make_engine(settings.database_url)
        address = f"http://{settings.api_host}:{settings.api_port}"
        async with httpx2.AsyncClient(base_url=address, timeout=10) as http:
            sessions, client = make_sessions(engine), await connect(settings)
            kills = Kills(stack, seed, say)
            doors = Doors(settings, sessions, client, http, say, kills)
            lived = [SystemLife(life, doors) for life in lives]
            await _live_under_kills(kills, lived, outcome, say)
            for part in stack.names:
                await stack.wait_ready(part)
            for life in lived:
                await life.settled()  # each story is in the worker's memory again
            await _judge_all(stack, lived, outcome)
        await engine.dispose()
    return outcome


async def _live_under_kills(
    kills: Kills,
    lived: list[SystemLife],
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    killing = asyncio.create_task(kills.go_on())
    try:
        ends = await asyncio.gather(*(x.live() for x in lived), return_exceptions=True)
    finally:
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing
    outcome.kills = kills.blows
    for life, end in zip(lived, ends, strict=True):
        if end is not None:
            say(f"{life.history.name}: {type(end).__name__} {end}")
            outcome.verdicts.append((life.history, Verdict([f"cut off: {end}"])))


async def _judge_all(
    stack: EmbeddedStack, lived: list[SystemLife], outcome: Outcome
) -> None:
    copies = await _copies(stack.settings)
    judged = {history.name for history, _ in outcome.verdicts}
    for life in lived:
        if life.history.name not in judged:
            seen = await life.seen(copies)
            outcome.verdicts.append((life.history, judge(life.history, seen)))
    report = await reconcile_once(stack.settings)
    outcome.sweep = [f"{f.check} {f.about}: {f.what}" for f in report.findings]


async def _copies(settings: Settings) -> Counter[str]:
    """Count the copies of each message in the mailbox itself."""
    assert settings.relay_log_url is not None
    inbox = settings.relay_log_url.removesuffix("/api/log")
    async with httpx2.AsyncClient(timeout=20) as http:
        messages = (await http.get(f"{inbox}/api/messages")).raise_for_status().json()
    return Counter(message["message_id"] for message in messages)


def live_on_a_stack(how_many: int, first: int) -> Outcome:
    """Live so many histories on a stack of our own."""
    with tempfile.TemporaryDirectory(prefix="echeance-proof-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        lives = lives_from(first, how_many, datetime.now(UTC))
        try:
            return asyncio.run(live_together(lives, folder / "var", first))
        finally:
            forget(folder / "var")
