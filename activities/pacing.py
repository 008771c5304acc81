"""Who goes first when many letters wait, and what an attempt before its turn says."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from records.pace import Lane
from workflows.postbox import UNTIL_USELESS

_MOST_DOUBLINGS = 30  # beyond any pause, within any number

BY_THE_CALENDAR = frozenset(
    {
        "account_dormant",
        *(f"reminder_{days}" for days in (90, 60, 30, 14, 7)),
        *(f"exam_ends_{days}" for days in (90, 30, 14, 7)),
    }
)
"""Letters that fall due for thousands on one day, with days to go: they wait.

Every other one answers somebody, ends a right or says that its last day has come; it
goes first (our policy, not law).
"""


def lane_of(notice: str) -> Lane:
    """Say in which line a letter waits."""
    return Lane.ORDINARY if notice in BY_THE_CALENDAR else Lane.FIRST


def domain_of(recipient: str) -> str:
    """Name the domain whose limit counts."""
    return recipient.rpartition("@")[2].lower()


def paced(wait: timedelta) -> ApplicationError:
    """Say that a letter's turn comes later; the attempt is taken up again then."""
    return ApplicationError("not its turn", type="Paced", next_retry_delay=wait)


def pause_after(attempts: int) -> timedelta:
    """Say how long a letter that was deferred waits, after so many attempts."""
    first, longest = UNTIL_USELESS.initial_interval, UNTIL_USELESS.maximum_interval
    assert longest is not None
    doublings = min(attempts - 1, _MOST_DOUBLINGS)
    return min(first * UNTIL_USELESS.backoff_coefficient**doublings, longest)
