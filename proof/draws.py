"""Random histories, drawn at the edges: seconds to hours from a duty or a midnight."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeVar

from proof.histories import NEW, OLD, History, Holder, LinkGiven, Stretch, Told
from proof.reference.days import (
    EXAM_LADDER,
    LADDER,
    civil,
    instant,
    ladder,
    months_on,
    open_day,
    two_years_to_act,
)
from proof.reference.hearing import FEES

_T = TypeVar("_T")
_DAY, _HOUR, _MINUTE, _SECOND = (
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
)
_SPECIAL = (  # leap days and years' ends, days of clock change, days closed in a row
    *(date(year, 2, 29) for year in (2028, 2032)),
    *(date(year, 1, 1) for year in (2027, 2029)),
    date(2026, 11, 2), date(2027, 3, 15), date(2027, 3, 14), date(2026, 12, 26),
    date(2028, 4, 15), date(2029, 7, 2), date(2027, 11, 8), date(2028, 3, 13),
)  # fmt: skip
_LETTERS = (
    *(f"reminder_{n}" for n in LADDER),
    *(f"exam_ends_{n}" for n in EXAM_LADDER),
    "expired", "renewed", "receipt", "suspended", "account_dormant", "finalize",
)  # fmt: skip


class Draw:
    """One history, drawn from its seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # chance, not secrecy
        self._told: list[Told] = []
        self._edges: list[datetime] = []

    def history(self) -> History:
        """Draw it."""
        kind = self._one(("holder",) * 6 + ("newcomer",) * 2 + ("comeback",) * 2)
        drawn = getattr(self, f"_{kind}")()
        assert isinstance(drawn, History)
        return self._with_faults(replace(drawn, name=f"{kind}-{self._seed}"))

    # ------------------------------------------------------------------- chance

    def _one(self, of: tuple[_T, ...]) -> _T:
        return self._random.choice(of)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _days(self, least: int, most: int) -> timedelta:
        return self._random.randint(least, most) * _DAY

    def _length(self) -> timedelta:
        """Seconds, minutes or hours."""
        unit = self._one((_SECOND, _MINUTE, _HOUR))
        most = {_SECOND: 59, _MINUTE: 59, _HOUR: 5}[unit]
        return self._random.randint(1, most) * unit

    def _instant(self, least: datetime, most: datetime) -> datetime:
        """Half of all instants lie within seconds to hours of an edge."""
        edges = [e for e in self._edges if least <= e <= most]
        if edges and self._chance(0.5):
            side = 1 if self._chance(0.5) else -1
            at = self._one(tuple(edges)) + side * self._length()
        else:
            seconds = int((most - least).total_seconds())
            at = least + self._random.randint(0, max(seconds, 1)) * _SECOND
        return min(max(at, least), most)

    def _near(self, at: datetime) -> date:
        """A civil day about an instant."""
        back = self._one((0, 0, 1, 3, 10, 40))
        ahead = self._one((0, 0, 1, 3, 20, 200, 400))
        return civil(at) + (ahead if self._chance(0.4) else -back) * _DAY

    def _tell(self, at: datetime, what: str, to: str = OLD, **says: object) -> None:
        again: tuple[datetime, ...] = ()
        if self._chance(0.2) and what not in {"corrected", "cancelled", "moved"}:
            again = tuple(at + self._length() for _ in range(self._one((1, 1, 2))))
        fact = f"f{len(self._told) + 1}"
        told = Told(fact, at, what, to, again=again, **says)  # type: ignore[arg-type] # as named
        self._told.append(told)

    # -------------------------------------------------------------- kinds of lives

    def _echeance(self) -> date:
        if self._chance(0.3):
            return self._one(_SPECIAL) + self._days(-1, 1)
        return date(2026, 6, 1) + self._days(0, 2000)

    def _holder(self) -> History:
        echeance = self._echeance()
        begins_on = echeance - self._days(2, self._one((130, 130, 720)))
        begins = instant(begins_on) + self._random.randint(0, 86399) * _SECOND
        until = instant(echeance + self._days(12, self._one((40, 40, 60, 800))))
        holder = Holder(
            months_on(echeance, -24),
            echeance,
            months_on(echeance, -24) - self._days(1, 700),
            self._links(months_on(echeance, -24), echeance),
        )
        self._edges = _edges(OLD, echeance)
        if self._chance(0.85):
            self._facts(holder, begins, until)
        return History("", begins, until, old=holder)

    def _links(self, start: date, echeance: date) -> tuple[LinkGiven, ...]:
        until = None
        if self._chance(0.15):
            until = start + self._days(1, (echeance - start).days - 1)
        links: tuple[LinkGiven, ...] = (LinkGiven("link-1", "AR-1001", start, until),)
        if self._chance(0.2):
            links = (*links, LinkGiven("link-2", "AR-2002", start + self._days(0, 300)))
        return links

    def _facts(self, holder: Holder, begins: datetime, until: datetime) -> None:
        begins, last = begins + _MINUTE, until - 2 * _DAY
        if self._chance(0.12):
            day = holder.echeance + self._days(-40, 60)
            at = self._instant(begins, last)
            self._edges += _edges(OLD, day)
            self._tell(at, "corrected", on=day)
        elif self._chance(0.6):
            self._payments(holder, begins, last)
        for _ in range(self._one((0, 0, 1, 1, 2, 3))):
            self._link_fact(self._instant(begins, last), OLD)
        if self._chance(0.06):
            self._tell(self._instant(begins, last), "cancelled")
        if self._chance(0.1):
            self._tell(self._instant(begins, last), "moved", about="second")
        if self._chance(0.1):
            self._tell(self._instant(begins, last), "mail")

    def _link_fact(self, at: datetime, to: str) -> None:
        match self._one(("linked", "unlinked", "unlinked", "permit", "permit")):
            case "linked":
                link, permit = self._one((("link-3", "AR-1001"), ("link-4", "AR-3003")))
                self._tell(
                    at, "linked", to, about=link, permit=permit, on=self._near(at)
                )
            case "unlinked":
                link = self._one(("link-1", "link-1", "link-2", "link-3"))
                self._tell(at, "unlinked", to, about=link, on=self._near(at))
            case "permit":
                permit = self._one(("AR-1001", "AR-1001", "AR-2002"))
                valid = self._chance(0.4)
                self._tell(
                    at, "permit", to, permit=permit, valid=valid, on=self._near(at)
                )

    def _payments(self, holder: Holder, begins: datetime, last: datetime) -> None:
        opens = instant(holder.echeance - 91 * _DAY, 14)
        least = max(begins + 3 * _HOUR, opens)
        most = min(instant(holder.echeance + 8 * _DAY), last)
        for n in range(self._one((1, 1, 1, 2))):
            captured = self._instant(least, most)
            told = captured
            if self._chance(0.4):
                told += self._one((self._length(), self._length(), self._days(1, 10)))
            cents = FEES["renewal"] if self._chance(0.92) else FEES["renewal"] - 1
            told = min(told, last)
            self._tell(
                told, "paid", about=f"pay-{n}", captured_at=captured, cents=cents
            )
            if self._chance(0.25):
                at = self._instant(told, last)
                self._tell(max(at, told + _SECOND), "reversed", about=f"pay-{n}")

    def _newcomer(self) -> History:
        limit = self._echeance()
        passed_on = months_on(limit, -24)
        begins_on = limit - self._days(2, self._one((40, 100, 600)))
        begins = instant(begins_on) + self._random.randint(0, 86399) * _SECOND
        until = instant(limit + self._days(12, self._one((40, 40, 200))))
        begins, last = begins + _MINUTE, until - 2 * _DAY
        self._edges = _exam_edges(NEW, two_years_to_act(passed_on))
        told = self._instant(begins, begins + self._days(0, 20))
        told = min(told, last)
        self._tell(told, "exam", NEW, about="exam-1", on=passed_on)
        self._finalize(told + 3 * _HOUR, last)
        if self._chance(0.1):
            self._tell(self._instant(begins, last), "mail", NEW)
        if self._chance(0.05):
            self._tell(self._instant(told, last), "cancelled", NEW)
        return History("", begins - _MINUTE, until, new=begins_on)

    def _finalize(self, least: datetime, last: datetime) -> None:
        """Pay and be linked, or fail to."""
        if self._chance(0.7):
            captured = self._instant(least, last)
            late = self._one(
                (timedelta(), timedelta(), self._length(), self._days(1, 9))
            )
            cents = FEES["issue"] if self._chance(0.93) else FEES["issue"] + 1
            at = min(captured + late, last)
            self._tell(
                at, "paid", NEW, about="pay-0", captured_at=captured, cents=cents
            )
            if self._chance(0.1):
                again = max(self._instant(at, last), at + _SECOND)
                self._tell(again, "reversed", NEW, about="pay-0")
        if self._chance(0.7):
            at = self._instant(least, last)
            on = max(self._near(at), civil(least))
            self._tell(at, "linked", NEW, about="link-3", permit="AR-1001", on=on)
            if self._chance(0.3):
                self._link_fact(self._instant(at, last), NEW)

    def _comeback(self) -> History:
        echeance = self._echeance()
        start = months_on(echeance, -24)
        linked_to = None if self._chance(0.6) else echeance - self._days(1, 200)
        passed_on = self._one(
            (start - self._days(0, 20), start, start - self._days(300, 600))
        )
        holder = Holder(
            start,
            echeance,
            passed_on,
            (LinkGiven("link-1", "AR-1001", start, linked_to),),
        )
        begins_on = echeance - self._days(1, 5)
        begins = instant(begins_on) + self._random.randint(0, 86399) * _SECOND
        ends = (two_years_to_act(echeance), two_years_to_act(passed_on))
        until = instant(echeance + self._days(30, 200))
        if self._chance(0.3):
            until = instant(ends[0] + self._days(12, 20))
        last = until - 2 * _DAY
        self._edges = [
            x
            for x in (instant(d + n * _DAY) for d in ends for n in (0, 1))
            if x > begins
        ]
        self._edges += [instant(echeance)] * 2
        asked = self._instant(begins + _HOUR, last)
        self._tell(asked, "transfer", NEW)
        self._finalize(min(asked + 3 * _HOUR, last), last)
        return History("", begins, until, old=holder, new=begins_on)

    # -------------------------------------------------------------------- faults

    def _with_faults(self, drawn: History) -> History:
        least, most = drawn.begins + _HOUR, drawn.until - 2 * _DAY
        mail: dict[str, tuple[str, ...]] = {}
        if self._chance(0.3):
            for _ in range(self._one((1, 2))):
                mail[self._one(_LETTERS)] = self._one(
                    (("450",), ("450",) * 4, ("450",) * 6, ("550",), ("lost",),
                     ("dies before",), ("dies after",), ("450", "lost"), ("bounces",))
                )  # fmt: skip
        return replace(
            drawn,
            told=tuple(sorted(self._told, key=lambda told: (told.at, told.fact))),
            worker_down=self._downs(0.25, least, most),
            relay_down=self._downs(0.2, least, most),
            mail=mail,
        )

    def _downs(
        self, share: float, least: datetime, most: datetime
    ) -> tuple[Stretch, ...]:
        if not self._chance(share) or least >= most:
            return ()
        begins = self._instant(least, most)
        lasts = self._one(
            (self._length(), self._length(), self._days(1, 3), self._days(10, 45))
        )
        ends = min(begins + lasts, most)
        return ((begins, ends),) if begins < ends else ()


def _edges(number: str, echeance: date) -> list[datetime]:
    """The instants about which a holder's life turns."""
    stem, last = f"{number}/{echeance}", echeance - _DAY
    steps = ladder(stem, LADDER, last, instant(echeance), "")
    days = (last, echeance, open_day(last), open_day(last) + _DAY)
    return [*(due for _, _, due, _ in steps), *(instant(day) for day in days)]


def _exam_edges(number: str, limit: date) -> list[datetime]:
    """The instants about which a newcomer's life turns."""
    steps = ladder(
        f"{number}/exam-{limit}", EXAM_LADDER, limit, instant(limit + _DAY), ""
    )
    return [*(due for _, _, due, _ in steps), instant(limit), instant(limit + _DAY)]


def draw(seed: int) -> History:
    """Draw the history of a seed."""
    return Draw(seed).history()
