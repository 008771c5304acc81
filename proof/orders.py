"""Six facts told at once, in each of their 720 orders: one end."""

import sys
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

from engine import leave
from proof import standin
from proof.histories import History, Holder, LinkGiven, Told
from proof.model import live
from proof.reference.days import instant

ECHEANCE = date(2028, 10, 4)
TOLD_AT = instant(date(2028, 9, 1), 12)
_DAY = timedelta(days=1)

FACTS = (
    Told("f1", TOLD_AT, "paid", about="pay-0", captured_at=TOLD_AT - _DAY, cents=18500),
    Told("f2", TOLD_AT, "linked", about="link-3", permit="AR-3003", on=TOLD_AT.date()),
    Told("f3", TOLD_AT, "unlinked", about="link-1", on=date(2028, 9, 20)),
    Told("f4", TOLD_AT, "permit", permit="AR-2002", on=date(2028, 8, 1)),
    Told("f5", TOLD_AT, "permit", permit="AR-2002", valid=True, on=date(2028, 8, 20)),
    Told("f6", TOLD_AT, "mail"),
)
HISTORY = History(
    name="six-at-once",
    begins=instant(date(2028, 6, 1), 12),
    until=instant(date(2029, 1, 10)),
    old=Holder(
        date(2026, 10, 4),
        ECHEANCE,
        date(2026, 6, 4),
        (
            LinkGiven("link-1", "AR-1001", date(2026, 10, 4)),
            LinkGiven("link-2", "AR-2002", date(2026, 10, 4)),
        ),
    ),
)


def endings() -> set[str]:
    """Live each order; name the different ends."""
    ends = set()
    for order in permutations(FACTS):
        seen = live(replace(HISTORY, told=order))
        letters = sorted(seen.letters.items())
        ends.add(f"{seen.phases} {seen.terms} {sorted(seen.tasks)} {letters}")
        assert not seen.trouble, seen.trouble
    return ends


def main() -> int:
    """Say how many ends there are; 0 for one."""
    standin.install()
    ends = sorted(endings())
    sys.stdout.write("\n".join([f"{len(ends)} ends", *ends[:3]]) + "\n")
    return 0 if len(ends) == 1 else 1


if __name__ == "__main__":
    code = main()
    leave(code)
