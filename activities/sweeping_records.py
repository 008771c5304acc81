"""What a sweep looks at of the records themselves: permits, histories, clocks, age."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from activities.ahead import CLOCKS_TOO_FAR
from activities.sayings import Found, mend
from intake.delivery import deliver, store_fact
from records.clock import now_for
from records.database import Sessions
from records.disagreements import database_clock, stored_ahead
from records.heads_file import BadHeads, newest_heads, write_heads
from records.histories import (
    dossiers_with_a_history,
    false_hashes,
    heads,
    heads_no_longer_there,
    timeline_breaks,
)
from records.pace import EVERY_LETTER, hold_back
from records.permits import PermitUntold, date_the_change, permits_untold
from records.sweeps import forget_what_is_old
from rules.civil_time import civil_date
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import PermitChanged, Source
from workflows.upkeep import Check, Mend

CLOCKS_APART = timedelta(seconds=30)

_PAGE = 1000
_HISTORIES_AT_ONCE = 200  # some tens of milliseconds: the stories share this process


@dataclass(slots=True)
class RecordsSweep:
    """The looks of one sweep at what is kept.

    *heads_dir* is where the heads of histories are exported, signed with *secret*.
    """

    sessions: Sessions
    client: Client
    now: datetime
    found: Found
    heads_dir: Path | None
    secret: bytes
    checked: int = 0
    skipped: list[str] = field(default_factory=list)

    # ------------------------------------------------------------- R13, the clocks

    async def compare_clocks(
        self, server_at: datetime | None = None, came_in_at: datetime | None = None
    ) -> None:
        """Compare the database's clock with ours and with what it stamped before.

        *server_at* is what Temporal's clock said when this sweep came in; *came_in_at*,
        our own clock then.
        """
        async with self.sessions() as session:
            before = datetime.now(UTC)
            theirs = await database_clock(session)
            after = datetime.now(UTC)
            ahead = await stored_ahead(session, since=theirs + CLOCKS_APART)
        self.checked += 1
        apart = abs(theirs - (before + (after - before) / 2))
        await self._judge("database", apart)
        if server_at is not None and came_in_at is not None:
            await self._judge("temporal", abs(came_in_at - server_at))
        for about, at in ahead:
            seconds = f"{(at - theirs).total_seconds():.0f}"
            self.found(
                Check.CLOCKS, about, "stored_ahead", Mend.FOR_A_PERSON, seconds=seconds
            )

    async def _judge(self, whose: str, apart: timedelta) -> None:
        if apart <= CLOCKS_APART:
            return
        code = "clocks_apart"
        if apart > CLOCKS_TOO_FAR:
            # Each sweep holds the mail back for a minute more.
            async with self.sessions.begin() as session:
                await hold_back(session, EVERY_LETTER)
            code = "mail_held"
        seconds = f"{apart.total_seconds():.0f}"
        self.found(Check.CLOCKS, whose, code, Mend.FOR_A_PERSON, seconds=seconds)

    # ---------------------------------- R11, each dossier knows its agencies' permits

    async def tell_of_permits(self) -> None:
        """Tell the dossiers what the register of permits says, if nobody told them."""
        async with self.sessions() as session:
            untold = await permits_untold(
                session, today=civil_date(self.now), limit=_PAGE
            )
        self.checked += len(untold)
        for each in untold:
            if not each.known:
                self.found(
                    Check.PERMITS,
                    each.dossier,
                    "permit_unknown",
                    Mend.FOR_A_PERSON,
                    permit=each.permit,
                )
                continue
            told = await self._tell_of(each)
            self.found(
                Check.PERMITS,
                each.dossier,
                "permit_valid" if each.valid else "permit_not_valid",
                mend(person=not told),
                permit=each.permit,
            )

    async def _tell_of(self, untold: PermitUntold) -> bool:
        """Keep the fact under the id that the register's own door gives it."""
        day = untold.effective_on or civil_date(self.now)
        permit = PermitNumber(untold.permit)
        async with self.sessions.begin() as session:
            if untold.effective_on is None:
                await date_the_change(session, permit, day)
            at = await now_for(session, untold.dossier, real_now=self.now)
            fact = PermitChanged(
                fact_id=f"permit:{permit}:{day}:{untold.valid}:{untold.dossier}",
                source=Source.PERMIT_REGISTER,
                occurred_at=at,
                received_at=at,
                permit=permit,
                valid=untold.valid,
                effective_on=day,
            )
            is_new = await store_fact(session, DossierNumber(untold.dossier), fact)
        # Kept before and heard, and yet not believed: another day's change stands.
        left = await deliver(self.sessions, self.client, [fact.fact_id])
        return is_new and not left

    # -------------------------------------------------------- R12, the histories

    async def read_histories(self, *, whole: bool) -> None:
        """See that lines follow; that none lost its end; and, if *whole*, every hash.

        Then export the heads of this day.
        """
        async with self.sessions() as session:
            breaks = dict(await timeline_breaks(session, limit=_PAGE))
        for number, position in breaks.items():
            self._broken(number, "out_of_place", position)
        if whole:
            await self._compute_hashes(frozenset(breaks))
        if self.heads_dir is None:
            self.skipped.append(f"{Check.TIMELINE}: no folder of exported heads is set")
            return
        try:
            await self._compare_heads(self.heads_dir)
        except BadHeads as bad:
            self.found(Check.TIMELINE, str(bad), "heads_bad", Mend.FOR_A_PERSON)
        except OSError as away:
            why = away.strerror or type(away).__name__
            self.found(
                Check.TIMELINE, "heads", "heads_away", Mend.FOR_A_PERSON, why=why
            )

    async def _compute_hashes(self, known: frozenset[str]) -> None:
        after = ""
        while True:
            async with self.sessions() as session:
                page = await dossiers_with_a_history(
                    session, after=after, limit=_HISTORIES_AT_ONCE
                )
                broken = await false_hashes(session, page) if page else ()
            if not page:
                return
            self.checked += len(page)
            after = page[-1]
            for number, position in broken:
                if number not in known:
                    self._broken(number, "hash_false", position)

    async def _compare_heads(self, folder: Path) -> None:
        before = await asyncio.to_thread(newest_heads, folder, secret=self.secret)
        async with self.sessions() as session:
            gone = await heads_no_longer_there(session, before)
            now = {head.dossier: head for head in await heads(session)}
        self.checked += len(before)
        for head in gone:
            self._broken(head.dossier, "end_gone", head.position)
            # Not forgotten tomorrow: a person settles it (the runbook says how).
            now[head.dossier] = head
        await asyncio.to_thread(
            write_heads,
            folder,
            (before | now).values(),
            at=self.now,
            day=civil_date(self.now),
            secret=self.secret,
        )

    def _broken(self, number: str, code: str, position: int) -> None:
        self.found(Check.TIMELINE, number, code, Mend.FOR_A_PERSON, position=position)

    # ------------------------------------------------------------------- its own past

    async def forget_what_is_old(self) -> None:
        """Delete old sweeps, and sign-in sessions that ended long ago."""
        async with self.sessions.begin() as session:
            await forget_what_is_old(session, self.now)
