"""The operator is told once a day how the sweeps did: one mail, in doubt none."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Self

from temporalio import activity

from activities.crashpoints import crashpoint
from letters.answers import Reply
from letters.compose import message_id
from letters.connections import Connections
from letters.relay_log import relay_has
from letters.report import Exported, Report, compose_report
from letters.wording import Language
from records.clock import database_now
from records.daily import Tally, claim_report, end_report, tally
from records.database import Sessions
from records.heads_file import newest_summary
from settings import Settings

A_DAY = timedelta(days=1)
_HAND_OVER_S = 20.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is told, in which language, and under which names."""

    address: str | None
    language: Language
    sender: str
    return_address: str
    public_url: str
    domain: str
    secret: bytes
    relay_log_url: str | None
    heads_dir: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(
            address=settings.operator_address,
            language=settings.operator_language,
            sender=settings.mail_from,
            return_address=settings.return_address,
            public_url=settings.public_url,
            domain=settings.mail_domain,
            secret=settings.mail_key.get_secret_value().encode(),
            relay_log_url=settings.relay_log_url,
            heads_dir=settings.heads_dir,
        )


class Reporting:
    """Sends the mail of a day over the connections of the letters."""

    def __init__(
        self, sessions: Sessions, connections: Connections, desk: Desk
    ) -> None:
        self._sessions = sessions
        self._connections = connections
        self._desk = desk

    @activity.defn(name="tell_operator")
    async def tell_operator(self, day: date) -> None:
        """Send the mail of a civil day unless it left, or may have left.

        A second copy is worse than none: a mail that does not come is itself an alarm.
        """
        desk = self._desk
        if desk.address is None:
            return
        own = message_id(f"report/{day}", secret=desk.secret, domain=desk.domain)
        async with self._sessions.begin() as session:
            state = await claim_report(session, day, own)
        crashpoint("before_report")
        if state == "sending":
            state = await self._doubt_settled(day, own)
        if state is not None:
            return
        async with self._sessions() as session:
            now = await database_now(session)
            told = await tally(session, since=now - A_DAY)
        mail = compose_report(
            self._report(day, told),
            language=desk.language,
            sender=desk.sender,
            recipient=desk.address,
            message_id=own,
            at=now,
        )
        outcome = await self._connections.hand_over(
            mail,
            sender=desk.return_address,
            recipient=desk.address,
            limit=_HAND_OVER_S,
        )
        crashpoint("after_report")
        async with self._sessions.begin() as session:
            await end_report(session, day, outcome.state, outcome.text)

    async def _doubt_settled(self, day: date, own: str) -> str | None:
        """Ask the log about a try that was broken off; None lets it be sent again."""
        log = self._desk.relay_log_url
        has = None if log is None else await relay_has(log, own)
        if has is False:
            return None
        state = Reply.UNKNOWN if has is None else Reply.ACCEPTED
        async with self._sessions.begin() as session:
            await end_report(session, day, state, "broken off")
        return state

    def _report(self, day: date, told: Tally) -> Report:
        folder = self._desk.heads_dir
        summary = None if folder is None else newest_summary(folder)
        return Report(
            day=day,
            sweeps=told.sweeps,
            checked=told.most_checked,
            found=told.found,
            repaired=told.repaired,
            for_a_person=told.for_a_person,
            checks=told.checks,
            skipped=told.skipped,
            exported=None
            if summary is None
            else Exported(
                summary.at,
                summary.dossiers,
                summary.lines,
                summary.sha256,
                summary.signature,
            ),
            page_url=f"{self._desk.public_url}/{self._desk.language}/bureau/concordance",
        )
