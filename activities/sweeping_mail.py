"""What a sweep looks at of the mail: letters that left or did not, messages unread."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from letters.relay_log import relay_has
from records.database import Sessions
from records.disagreements import (
    LetterAtTheRelay,
    letters_at_the_relay,
    letters_stuck_in_sending,
    some_open_dossiers,
)
from records.incoming import (
    SET_ASIDE_TOO_LONG,
    mails_set_aside_unread,
    mails_with_an_open_task,
)
from records.missed import letters_without_a_trace
from records.trails import letters_at_a_standstill, letters_nobody_was_told_of
from workflows.upkeep import Check, Mend

PERSON_AFTER = timedelta(hours=1)
"""What is repaired again and again for this long is given to a person."""

SENDING_TOO_LONG = timedelta(minutes=15)

RELAY_LOG_LOOKED_BACK = timedelta(days=7)
RELAY_LOG_LAGS = timedelta(minutes=10)
RELAY_LOG_SAMPLE = 200
"""Letters asked about in one day; another day draws others."""

AGENDAS_A_DAY = 20_000
AGENDAS_A_LOOK = 200
"""Open dossiers whose whole agenda is compared with what was written: once a day, and
at each look between."""

_PAGE = 1000
_AGENDAS_AT_ONCE = 250  # some twenty milliseconds: the stories share this process
_ASKED_AT_ONCE = 8

Found = Callable[[Check, str, str, Mend], None]
Wake = Callable[[str], Awaitable[bool]]


@dataclass(slots=True)
class MailSweep:
    """The looks of one sweep at the mail; each tells what it found through *found*.

    *wake* has a story look again at what it has to do; False when it cannot.
    """

    sessions: Sessions
    now: datetime
    relay_log_url: str | None
    found: Found
    wake: Wake
    checked: int = 0
    skipped: list[str] = field(default_factory=list)

    # ----------------------------------------------- R6, each handing over has an end

    async def see_letters_end(self) -> None:
        """Wake the stories of letters whose handing over never ended."""
        async with self.sessions() as session:
            stuck = await letters_stuck_in_sending(
                session, before=self.now - SENDING_TOO_LONG, limit=_PAGE
            )
        self.checked += len(stuck)
        for letter in stuck:
            woken = await self.wake(letter.dossier)
            old = self.now - letter.since > PERSON_AFTER
            mend = Mend.REPAIRED if woken and not old else Mend.FOR_A_PERSON
            what = f"being handed over since {letter.since.isoformat()}"
            self.found(Check.LETTERS, letter.key, what, mend)

    # --------------------------------------------- the ledger, nothing is unexplained

    async def see_all_explained(
        self, *, thorough: bool, late: Collection[str] = ()
    ) -> None:
        """See that what was due is handed over, or that something says why not.

        *late* are dossiers of which another check speaks already.
        """
        await self._see_letters_move()
        await self._see_people_told()
        await self._see_agendas_done(
            AGENDAS_A_DAY if thorough else AGENDAS_A_LOOK, frozenset(late)
        )

    async def _see_letters_move(self) -> None:
        async with self.sessions() as session:
            still = await letters_at_a_standstill(session, limit=_PAGE)
        self.checked += len(still)
        for letter in still:
            await self.wake(letter.dossier)
            what = f"{letter.state}, unmoved since {letter.changed_at.isoformat()}"
            self.found(Check.LEDGER, letter.key, what, Mend.FOR_A_PERSON)

    async def _see_people_told(self) -> None:
        async with self.sessions() as session:
            untold = await letters_nobody_was_told_of(
                session, now=self.now, limit=_PAGE
            )
        self.checked += len(untold)
        for letter in untold:
            what = f"{letter.state} without a task for anybody"
            self.found(Check.LEDGER, letter.key, what, Mend.FOR_A_PERSON)

    async def _see_agendas_done(self, how_many: int, late: frozenset[str]) -> None:
        async with self.sessions() as session:
            drawn = await some_open_dossiers(
                session, seed=self.now.isoformat(), limit=how_many
            )
        self.checked += len(drawn)
        for start in range(0, len(drawn), _AGENDAS_AT_ONCE):
            await self._compare_agendas(drawn[start : start + _AGENDAS_AT_ONCE], late)

    async def _compare_agendas(
        self, numbers: Sequence[str], late: frozenset[str]
    ) -> None:
        async with self.sessions() as session:
            missed = await letters_without_a_trace(session, numbers, now=self.now)
        for duty in missed:
            if duty.dossier in late:
                continue
            await self.wake(duty.dossier)
            what = f"{duty.notice} of {duty.due_at.isoformat()} was never ordered"
            self.found(Check.LEDGER, duty.key, what, Mend.FOR_A_PERSON)

    # --------------------------------------- R7, what we handed over is what left us

    async def compare_relay_log(self) -> None:
        """Ask the relay's log about some letters of the last days, both ways."""
        if self.relay_log_url is None:
            self.skipped.append(f"{Check.RELAY_LOG}: no relay log is set")
            return
        async with self.sessions() as session:
            drawn = await letters_at_the_relay(
                session,
                since=self.now - RELAY_LOG_LOOKED_BACK,
                settled_before=self.now - RELAY_LOG_LAGS,
                seed=self.now.isoformat(),
                limit=RELAY_LOG_SAMPLE,
            )
        for start in range(0, len(drawn), _ASKED_AT_ONCE):
            asked = drawn[start : start + _ASKED_AT_ONCE]
            if not await self._compare_with_log(asked, self.relay_log_url):
                left = len(drawn) - start
                what = f"does not answer: {left} letters were not compared"
                self.found(Check.RELAY_LOG, "relay log", what, Mend.FOR_A_PERSON)
                return
            self.checked += len(asked)

    async def _compare_with_log(
        self, letters: Sequence[LetterAtTheRelay], log_url: str
    ) -> bool:
        """Compare some letters; False once the log does not say."""
        answers = await asyncio.gather(
            *(relay_has(log_url, letter.message_id) for letter in letters)
        )
        for letter, has in zip(letters, answers, strict=True):
            if has is None or has is letter.left:
                continue
            what = (
                f"{letter.state} here, unknown to the relay's log"
                if letter.left
                else f"{letter.state} here, but the relay's log has it"
            )
            self.found(Check.RELAY_LOG, letter.key, what, Mend.FOR_A_PERSON)
        return None not in answers

    # --------------------------------------------- R10, no message waits for nobody

    async def see_messages_read(self) -> None:
        """See that a person deals with each message that needs one."""
        async with self.sessions() as session:
            waiting = await mails_with_an_open_task(session, now=self.now, limit=_PAGE)
            aside = await mails_set_aside_unread(
                session, before=self.now - SET_ASIDE_TOO_LONG, limit=_PAGE
            )
        self.checked += len(waiting) + len(aside)
        for mail in waiting:
            what = f"came in {mail.since.isoformat()}, its task is still open"
            self.found(Check.MESSAGES, mail.mail_id, what, Mend.FOR_A_PERSON)
        for mail in aside:
            what = f"set aside {mail.since.isoformat()}, nobody has looked at it"
            self.found(Check.MESSAGES, mail.mail_id, what, Mend.FOR_A_PERSON)
