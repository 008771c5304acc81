"""What a sweep looks at of the mail: letters that left or did not, messages unread."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities.sayings import Found
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
from records.trails import (
    end_withdrawn,
    letters_at_a_standstill,
    letters_nobody_was_told_of,
    withdrawn_in_doubt,
)
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
        await self._end_withdrawn()
        async with self.sessions() as session:
            stuck = await letters_stuck_in_sending(
                session, before=self.now - SENDING_TOO_LONG, limit=_PAGE
            )
        self.checked += len(stuck)
        for letter in stuck:
            woken = await self.wake(letter.dossier)
            old = self.now - letter.since > PERSON_AFTER
            mend = Mend.REPAIRED if woken and not old else Mend.FOR_A_PERSON
            at = letter.since
            self.found(Check.LETTERS, letter.key, "handing_over", mend, at=at)

    async def _end_withdrawn(self) -> None:
        """Ask the relay's log about letters withdrawn in doubt: no story asks any more.

        A log that does not say is asked again by the next sweep.
        """
        async with self.sessions() as session:
            doubtful = await withdrawn_in_doubt(
                session, before=self.now - RELAY_LOG_LAGS, limit=_ASKED_AT_ONCE
            )
        self.checked += len(doubtful)
        for key, message_id in doubtful:
            end = await self._end_of_withdrawn(message_id)
            if end is None:
                continue
            state, why, code = end
            async with self.sessions.begin() as session:
                ended = await end_withdrawn(session, key, state=state, why=why)
            if ended:
                self.found(Check.LETTERS, key, code, Mend.REPAIRED)

    async def _end_of_withdrawn(self, message_id: str) -> tuple[str, str, str] | None:
        """Name its last state, why, and what to say of it."""
        if self.relay_log_url is None:
            return "cancelled", "withdrawn in doubt, no log", "withdrawn_in_doubt"
        match await relay_has(self.relay_log_url, message_id):
            case True:
                return "accepted", "found in the log", "withdrawn_too_late"
            case False:
                return "cancelled", "not in the log", "withdrawn_in_time"
        return None

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
            self.found(
                Check.LEDGER,
                letter.key,
                "unmoved",
                Mend.FOR_A_PERSON,
                state=letter.state,
                at=letter.changed_at,
            )

    async def _see_people_told(self) -> None:
        async with self.sessions() as session:
            untold = await letters_nobody_was_told_of(
                session, now=self.now, limit=_PAGE
            )
        self.checked += len(untold)
        for letter in untold:
            said = {"state": letter.state}
            self.found(
                Check.LEDGER, letter.key, "nobody_told", Mend.FOR_A_PERSON, **said
            )

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
            self.found(
                Check.LEDGER,
                duty.key,
                "never_ordered",
                Mend.FOR_A_PERSON,
                notice=duty.notice,
                at=duty.due_at,
            )

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
                self.found(
                    Check.RELAY_LOG,
                    "relay log",
                    "log_silent",
                    Mend.FOR_A_PERSON,
                    count=left,
                )
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
            code = "unknown_to_log" if letter.left else "known_to_log"
            said = {"state": letter.state}
            self.found(Check.RELAY_LOG, letter.key, code, Mend.FOR_A_PERSON, **said)
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
            self._message(mail.mail_id, "task_still_open", mail.since)
        for mail in aside:
            self._message(mail.mail_id, "aside_unread", mail.since)

    def _message(self, mail_id: str, code: str, since: datetime) -> None:
        self.found(Check.MESSAGES, mail_id, code, Mend.FOR_A_PERSON, at=since)
