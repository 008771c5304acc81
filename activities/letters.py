"""The one effect that leaves the house: a letter handed to the mail relay."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ahead import ANY_CLOCK, CLOCKS_TOO_FAR, see_it_is_time
from activities.crashpoints import crashpoint
from activities.holding_back import let_the_story_hear_first, useless_in
from activities.issuing import NOTHING, Enclosed, Issuing
from activities.pacing import domain_of, lane_of, paced, pause_after
from activities.writing import Letterhead, Written, write
from letters.answers import Limit, Outcome, Reply
from letters.compose import BadAddress, html_of, message_id, plain_of
from letters.connections import Connections
from letters.relay_log import relay_has
from letters.smtp import Relay
from records.database import Sessions
from records.ledger import NO_ADDRESS
from records.models import DossierRow, Letter
from records.pace import EVERY_LETTER, Pace, Traveller, hold_back, take_turn
from records.trails import IN_DOUBT, is_withdrawn
from rules.notices import CERTIFICATE_REISSUED
from settings import Settings
from workflows.effects import SENDING_IS_SILENT_FOR
from workflows.messages import LetterOrder, Posted

MONEY = frozenset({"receipt", "refund_due"})
"""Notices never sent again in doubt: a person looks (our policy, not law)."""

_ENDED = {
    "accepted": Posted.ACCEPTED,
    "delivered": Posted.ACCEPTED,
    "bounced": Posted.ACCEPTED,
    "refused": Posted.REFUSED,
    "skipped": Posted.SKIPPED,
    "cancelled": Posted.SKIPPED,
}
_LOG_PAUSE = timedelta(minutes=1)
_BETWEEN_SIGNS_S = SENDING_IS_SILENT_FOR.total_seconds() / 3


@dataclass(frozen=True, slots=True)
class Post:
    """The relay, and how long to wait for it when it is not known what it took.

    *attempt_limit* must be shorter than the activity's own timeout, so that no attempt
    goes on while the next begins. *grace* is the time a relay may need to log a letter
    whose answer was lost; *log_patience*, how long a log that does not answer is asked
    again.
    """

    relay: Relay
    pace: Pace
    log_url: str | None = None
    attempt_limit: timedelta = timedelta(seconds=150)
    grace: timedelta = timedelta(seconds=20)
    log_patience: timedelta = timedelta(minutes=15)
    most_ahead: timedelta = ANY_CLOCK

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        password = settings.smtp_password
        relay = Relay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            tls=settings.smtp_tls,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            ca_file=str(settings.smtp_ca_file) if settings.smtp_ca_file else None,
            connections=settings.smtp_connections,
        )
        pace = Pace(settings.mail_per_minute, settings.mail_per_minute_to_a_domain)
        return cls(relay, pace, settings.relay_log_url, most_ahead=CLOCKS_TOO_FAR)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A letter's row as an attempt finds it.

    *age* is that of its state; *turn_in*, how long until the turn it was given.
    """

    state: str
    answer: str | None
    fence: int
    message_id: str | None
    age: timedelta
    turn_in: timedelta | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to hand a letter over, until another attempt takes it."""

    fence: int
    written: Written


class Letters:
    """Sends letters: by one relay, under one letterhead.

    *connections* are opened by the first letter, and closed by whoever made this.
    """

    def __init__(
        self,
        sessions: Sessions,
        post: Post,
        head: Letterhead,
        issuing: Issuing | None = None,
    ) -> None:
        self.connections = Connections(post.relay)
        self._issuing = issuing
        self._sessions = sessions
        self._post = post
        self._head = head

    @activity.defn(name="send_letter")
    async def send_letter(self, order: LetterOrder) -> Posted:
        """Hand one letter to the mail relay: at least once, and once where we can know.

        A second copy can leave only if the answer to the first was lost and the
        relay's log cannot be read; it then bears the same Message-ID. Receipts and
        refunds are not sent again in such a doubt.
        """
        crashpoint("before_claim")
        seen = await self._look(order)
        ended = await self._settle(order, seen)
        if ended is not None:
            return ended
        if seen.turn_in is not None and seen.turn_in > timedelta():
            raise paced(seen.turn_in)
        enclosed = NOTHING
        if self._issuing is not None:
            enclosed = await self._issuing.enclosed_in(order)
        claim = await self._claim(order, seen.fence, enclosed)
        if isinstance(claim, Posted):
            return claim
        if isinstance(claim, timedelta):
            raise paced(claim)
        crashpoint("after_claim")
        # No transaction is open from here: a slow relay must not hold one.
        outcome = await self._hand_over(claim.written)
        crashpoint("after_relay_answer")
        await self._note(order, claim.fence, outcome.state, _words(outcome))
        crashpoint("after_accepted")
        if outcome.limit is not None:
            await self._slow_down(claim.written, outcome.limit)
        return self._answer(outcome, claim.fence)

    def _answer(self, outcome: Outcome, attempts: int) -> Posted:
        match outcome.state:
            case Reply.ACCEPTED:
                return Posted.ACCEPTED
            case Reply.REFUSED:
                return Posted.REFUSED
            case Reply.DEFERRED:
                # The relay's words may name the person: they stay in the database.
                raise ApplicationError(
                    "the relay says later",
                    type="Deferred",
                    # An attempt that only waited for its turn does not count.
                    next_retry_delay=pause_after(attempts),
                )
            case Reply.UNKNOWN:
                # The next attempt asks the log, or follows the policy for doubt.
                raise _in_doubt(self._post.grace)

    async def _hand_over(self, written: Written) -> Outcome:
        """Speak to the relay, and show signs of life meanwhile.

        Begun, it is let finish: to be stopped after the last dot would leave a doubt.
        """
        attempt = asyncio.ensure_future(
            self.connections.hand_over(
                written.message,
                sender=written.return_path,
                recipient=written.recipient,
                limit=self._post.attempt_limit.total_seconds(),
            )
        )
        while not attempt.done():
            activity.heartbeat()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({attempt}, timeout=_BETWEEN_SIGNS_S)
        return attempt.result()

    async def _look(self, order: LetterOrder) -> _Seen:
        """Read the row of the letter; it is there before the first SMTP word.

        One that was withdrawn is queued again by a newer order: its cause came back.
        One that may have left before that stays in doubt.
        """
        ordered = insert(Letter).values(
            key=order.key,
            dossier=order.dossier,
            notice=order.notice,
            ordered=order.model_dump(mode="json"),
            occurred_at=order.occurred_at,
        )
        found = select(
            Letter.state,
            Letter.answer,
            Letter.fence,
            Letter.message_id,
            (func.clock_timestamp() - Letter.changed_at).label("age"),
            (Letter.not_before - func.clock_timestamp()).label("turn_in"),
        ).where(Letter.key == order.key)
        async with self._sessions.begin() as session:
            await session.execute(_again_if_withdrawn(ordered))
            await _show_next_due(session, order)
            row = (await session.execute(found)).one()
        return _Seen(*row)

    async def _settle(self, order: LetterOrder, seen: _Seen) -> Posted | None:
        """Answer for a letter that has ended, or whose last attempt may have left."""
        if seen.state in _ENDED:
            nobody = seen.state == "skipped" and seen.answer == NO_ADDRESS
            return Posted.NO_ADDRESS if nobody else _ENDED[seen.state]
        if seen.state not in IN_DOUBT:
            left_before = seen.fence == 0 and await self._has_left_before(order)
            return Posted.ACCEPTED if left_before else None
        has = await self._relay_has(seen)
        if has is True:
            await self._note(order, seen.fence, Reply.ACCEPTED, "found in the log")
            return Posted.ACCEPTED
        if seen.age < self._post.grace:
            raise _in_doubt(self._post.grace - seen.age)
        if has is False:
            return None
        if self._post.log_url is not None and seen.age < self._post.log_patience:
            raise _in_doubt(_LOG_PAUSE)
        if order.notice in MONEY:
            await self._note(order, seen.fence, Reply.UNKNOWN, "no answer, no log")
            return Posted.UNKNOWN
        return None

    async def _has_left_before(self, order: LetterOrder) -> bool:
        """Ask the log about a letter that we never tried, as far as we remember.

        A database or a Temporal that came back from an older copy has forgotten it.
        """
        if self._post.log_url is None:
            return False
        head = self._head
        own = message_id(order.key, secret=head.secret, domain=head.domain)
        if not await relay_has(self._post.log_url, own):
            return False
        async with self._sessions.begin() as session:
            row = await session.get_one(Letter, order.key, with_for_update=True)
            if row.fence == 0 and row.state not in _ENDED:
                row.message_id = own
                _end(row, "accepted", "found in the log", Posted.ACCEPTED)
        return True

    async def _relay_has(self, seen: _Seen) -> bool | None:
        if self._post.log_url is None or seen.message_id is None:
            return None
        return await relay_has(self._post.log_url, seen.message_id)

    async def _claim(
        self, order: LetterOrder, fence: int, enclosed: Enclosed
    ) -> _Claim | Posted | timedelta:
        """Take the letter, its condition checked again, in one committed transaction.

        A time for an answer is how long it has to wait for its turn. Raises
        ApplicationError of type Overtaken if another attempt has taken it, of type
        FactsWait while the story has not heard all that was told.
        """
        async with self._sessions.begin() as session:
            row = await session.get_one(Letter, order.key, with_for_update=True)
            if row.fence != fence or row.state in _ENDED:
                raise _overtaken(order)
            if why := await _why_withdrawn(session, order, enclosed):
                return _end(row, "cancelled", why, Posted.SKIPPED)
            await see_it_is_time(
                session, order.dossier, order.occurred_at, most=self._post.most_ahead
            )
            await let_the_story_hear_first(session, order)
            serves = await useless_in(session, order)
            if serves is not None and serves <= timedelta():
                return _end(row, "skipped", "useless by now", Posted.SKIPPED)
            try:
                written = await write(session, order, self._head, enclosed)
            except BadAddress as problem:
                return _end(row, "refused", str(problem), Posted.REFUSED)
            if written is None:
                return _end(row, "skipped", NO_ADDRESS, Posted.NO_ADDRESS)
            wait = await self._take_turn(session, row, written, serves)
            if wait is not None:
                return wait
            await _note_broken_off(session, row)
            _begin_to_send(row, written)
            return _Claim(row.fence, written)

    async def _take_turn(
        self,
        session: AsyncSession,
        row: Letter,
        written: Written,
        serves: timedelta | None,
    ) -> timedelta | None:
        """Let the letter pass, or keep the turn it must wait for."""
        traveller = Traveller(
            lane_of(row.notice),
            has_waited=row.not_before is not None,
            useless_in=serves,
        )
        domain = domain_of(written.recipient)
        wait = await take_turn(session, domain, self._post.pace, traveller)
        row.not_before = None if wait is None else func.clock_timestamp() + wait
        return wait

    async def _slow_down(self, written: Written, limit: Limit) -> None:
        of_all = limit is Limit.RELAY
        domain = EVERY_LETTER if of_all else domain_of(written.recipient)
        async with self._sessions.begin() as session:
            await hold_back(session, domain)

    async def _note(
        self, order: LetterOrder, fence: int, state: Reply, answer: str
    ) -> None:
        """Write how an attempt ended, if it still is the newest.

        What the relay puts off while it is withdrawn is not tried again: it ends here.
        """
        async with self._sessions.begin() as session:
            row = await session.get_one(Letter, order.key, with_for_update=True)
            if row.fence != fence or row.state not in IN_DOUBT:
                raise _overtaken(order)
            put_off = state is Reply.DEFERRED and await is_withdrawn(session, row.key)
            row.state = "cancelled" if put_off else state
            row.answer = answer
            row.changed_at = func.now()


def _again_if_withdrawn(ordered: Insert) -> Insert:
    again, ended = ordered.excluded, Letter.state == "cancelled"
    return ordered.on_conflict_do_update(
        index_elements=[Letter.key],
        set_={
            "state": case((ended, "queued"), else_=Letter.state),
            "ordered": again.ordered,
            "occurred_at": again.occurred_at,
            "changed_at": case((ended, func.now()), else_=Letter.changed_at),
        },
        where=and_(
            Letter.state.in_(("cancelled", *IN_DOUBT)),
            Letter.occurred_at < again.occurred_at,
        ),
    )


async def _why_withdrawn(
    session: AsyncSession, order: LetterOrder, enclosed: Enclosed
) -> str | None:
    """Say why a letter must not leave: its story says so, or it lacks its file."""
    if await is_withdrawn(session, order.key):
        return "withdrawn"
    lacks_it = order.notice == CERTIFICATE_REISSUED and not enclosed.files
    return "no certificate" if lacks_it else None


async def _note_broken_off(session: AsyncSession, row: Letter) -> None:
    """Let the letter's steps show that its last attempt never told how it ended."""
    if row.state == "sending":
        row.state = "unknown"
        row.answer = "broken off before an answer was noted"
        await session.flush()


async def _show_next_due(session: AsyncSession, order: LetterOrder) -> None:
    """Keep the lists true after a reminder, which has no record of its own."""
    if order.cause is None:
        return
    await session.execute(
        update(DossierRow)
        .where(
            DossierRow.number == order.dossier,
            DossierRow.next_due_at <= order.occurred_at,
        )
        .values(next_due_at=order.next_due_at)
    )


def _begin_to_send(row: Letter, written: Written) -> None:
    row.state = "sending"
    row.fence += 1
    row.message_id = written.message["Message-ID"]
    row.language = written.language
    row.recipient = written.recipient
    row.subject = written.message["Subject"]
    row.body = plain_of(written.message)
    row.html = html_of(written.message)
    row.answer = None
    row.changed_at = func.now()


def _end(row: Letter, state: str, why: str, posted: Posted) -> Posted:
    row.state = state
    row.answer = why
    row.changed_at = func.now()
    return posted


def _words(outcome: Outcome) -> str:
    return outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"


def _in_doubt(pause: timedelta) -> ApplicationError:
    return ApplicationError(
        "not known yet whether it left", type="InDoubt", next_retry_delay=pause
    )


def _overtaken(order: LetterOrder) -> ApplicationError:
    return ApplicationError(f"another attempt at {order.key}", type="Overtaken")
