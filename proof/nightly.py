"""The usual way: a nightly job `where expiry = today + N`, and its better variant.

Both read an application whose table is right at each instant, as the real story keeps
it when nothing fails; both hand letters to the same relay with the same faults, and are
down when the worker is. They are written as a careful developer writes them, and know
nothing of the other lives: a process that dies loses only this life's letter.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from operator import itemgetter

from proof.histories import History
from proof.memory import Post
from proof.model import Life, dossiers_of
from proof.reference.days import EXAM_LADDER, LADDER, civil, instant
from proof.seen import Mail
from rules.dossier import Dossier, Kind, Phase
from rules.standing import phase_at
from rules.transfer import last_day_to_finish
from workflows.messages import PolicyQuestion

_DAY = timedelta(days=1)
_AT = 9
_HOURS = range(_AT, 18)
TRIES = 3
"""A letter that raises is tried again at once, as a loop around a mail library does."""


class DiedError(Exception):
    """The process ended in the middle of a run."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that is due."""

    key: str
    notice: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a row says of its end: the last day, and how long before it is said."""

    stem: str
    notice: str
    last: date
    steps: tuple[int, ...]


class Table:
    """The application's rows, at every instant of a life."""

    def __init__(self, history: History) -> None:
        life = Life(replace(history, worker_down=(), relay_down=(), mail={}))
        life.live()
        self._records = life.records
        self._rows = {
            dossier.number: [
                (history.begins, dossier),
                *((record.at, record.dossier) for record in kept),
            ]
            for dossier, kept in (
                (d, self._records.kept[d.number]) for d in dossiers_of(history)
            )
        }
        self._known: dict[tuple[str, int, date], Expiry | None] = {}

    def due(self, day: date, now: datetime) -> Iterator[Wanted]:
        """Select the rows whose expiry is *day* + N, by what is known *now*."""
        for number, rows in self._rows.items():
            newest = bisect_right(rows, now, key=itemgetter(0)) - 1
            known = (number, max(newest, 0), civil(now))
            if known not in self._known:
                self._known[known] = self._expiry(rows[known[1]][1], now)
            if (expiry := self._known[known]) is None:
                continue
            if (left := (expiry.last - day).days) in expiry.steps:
                notice = f"{expiry.notice}{left}"
                yield Wanted(f"{expiry.stem}/{notice}", notice)

    def _expiry(self, row: Dossier, now: datetime) -> Expiry | None:
        question = PolicyQuestion(kind=Kind.CAR, on=civil(now))
        policy = self._records.read_policy(question)
        phase = phase_at(row, policy, now)
        if phase in {Phase.IN_FORCE, Phase.SUSPENDED}:
            echeance = row.terms[-1].echeance
            stem = f"{row.number}/{echeance}"
            return Expiry(stem, "reminder_", echeance - _DAY, LADDER)
        if phase is Phase.TO_FINALIZE and row.exam is not None:
            last = last_day_to_finish(row.exam, policy)
            return Expiry(f"{row.number}/exam-{last}", "exam_ends_", last, EXAM_LADDER)
        return None


@dataclass
class Job:
    """What both variants share: a table, a relay, and the hours of the machine."""

    history: History
    table: Table
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.history)

    def live(self) -> list[Mail]:
        """Run on every day of a life; what is in the mailbox at the end."""
        day = civil(self.history.begins)
        while instant(day) < self.history.until:
            for at in self.hours_of(day):
                if self.history.begins <= at < self.history.until and self.is_up(at):
                    self.run(at)
            day += _DAY
        return self.post.mailbox

    def is_up(self, at: datetime) -> bool:
        """Whether the machine of the job is up."""
        return not any(a <= at < b for a, b in self.history.worker_down)

    def hours_of(self, day: date) -> Iterable[datetime]:
        """When cron starts it."""
        return (instant(day, _AT),)

    def run(self, at: datetime) -> None:
        """One run."""
        raise NotImplementedError

    def send(self, wanted: Wanted, at: datetime) -> bool:
        """Hand a letter to the relay, three times if need be; whether it took it.

        Raises DiedError when the process ends there.
        """
        for _ in range(TRIES):
            if not self.post.relay_is_up(at):
                continue
            match self.post.meets(wanted.notice):
                case "450":
                    continue
                case "550":
                    return True  # somebody is told; it is not tried again
                case "dies before":
                    raise DiedError
                case "lost":
                    self._take(wanted, at)
                    continue
                case "dies after":
                    self._take(wanted, at)
                    raise DiedError
            self._take(wanted, at)
            return True
        return False

    def _take(self, wanted: Wanted, at: datetime) -> None:
        self.post.mailbox.append(Mail(wanted.key, at, self.post.address_at(at)))


class NightlyJob(Job):
    """Every day at 09:00: `where expiry = today + N`; what fails is in the log."""

    def run(self, at: datetime) -> None:
        """Send what is due today."""
        try:
            for wanted in self.table.due(civil(at), at):
                self.send(wanted, at)
        except DiedError:
            return


class LastRunJob(Job):
    """Every working hour: the days since the last whole run, and what was not sent.

    Of several steps of one ladder that an outage left over, only the newest is sent.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sent: set[str] = set()
        self._last_run = civil(self.history.begins)

    def hours_of(self, day: date) -> Iterable[datetime]:
        """When cron starts it."""
        return (instant(day, hour) for hour in _HOURS)

    def run(self, at: datetime) -> None:
        """Send what fell due since the last run, by what is known now."""
        today, newest = civil(at), dict[str, Wanted]()
        days = range((today - self._last_run).days + 1)
        for day in (self._last_run + n * _DAY for n in days):
            for wanted in self.table.due(day, at):
                newest[wanted.key.rpartition("/")[0]] = wanted
        whole = True
        try:
            for wanted in newest.values():
                if wanted.key in self._sent:
                    continue
                if self.send(wanted, at):
                    self._sent.add(wanted.key)
                else:
                    whole = False
        except DiedError:
            return
        if whole:
            self._last_run = today


USUAL_WAYS: dict[str, Callable[[History, Table], Job]] = {
    "nightly job": NightlyJob,
    "with a last-run table": LastRunJob,
}
