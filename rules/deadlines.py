"""The last days on which a person can act, as they keep them in a calendar."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rules.civil_time import civil_date, last_day
from rules.dossier import Dossier, Phase
from rules.links import unlinked_since
from rules.policy import Policy
from rules.standing import (
    ended_on,
    last_day_to_renew,
    last_day_unlinked,
    phase_at,
    way_back_until,
)
from rules.transfer import last_day_to_finish


class Deadline(StrEnum):
    """What one can do until a day; a dossier has at most one day of each."""

    RENEWAL = "renewal"  # renew the certificate
    LINK = "link"  # come back from a suspension by a new link
    EXAM = "exam"  # finish, before the exam result counts no more
    RETURN = "return"  # have the result of an expired certificate moved
    ITEMS = "items"  # complete a request
    COMMENTS = "comments"  # comment on an intended refusal


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day (inclusive, civil date in Québec) on which one can still act."""

    deadline: Deadline
    on: date


def deadlines(dossier: Dossier, policy: Policy, at: datetime) -> tuple[LastDay, ...]:
    """
    List the days that hold at the instant *at*; one that is past is no longer there.

    Each is the day that letters and pages name: of the end of a term the last valid
    day, of other delays the day as extended by P-40.1 s. 269.
    """
    today = civil_date(at)
    found = _found(dossier, policy, at)
    return tuple(LastDay(what, on) for what, on in found.items() if on and on >= today)


def _found(
    dossier: Dossier, policy: Policy, at: datetime
) -> dict[Deadline, date | None]:
    echeance = dossier.echeance
    match phase_at(dossier, policy, at):
        case Phase.IN_FORCE if echeance is not None:
            return {Deadline.RENEWAL: last_day(echeance)}
        case Phase.SUSPENDED if echeance is not None:
            since = unlinked_since(dossier, civil_date(at)) or civil_date(at)
            renewal = last_day(echeance)
            link = min(last_day_unlinked(since, policy), renewal)
            return {Deadline.RENEWAL: renewal, Deadline.LINK: link}
        case Phase.EXPIRED if echeance is not None:
            return _of_expired(dossier, policy, at, echeance)
        case Phase.TO_FINALIZE if dossier.exam is not None:
            return {Deadline.EXAM: last_day_to_finish(dossier.exam, policy)}
        case Phase.IN_REVIEW if dossier.request is not None:
            asked = dossier.request
            return {
                Deadline.ITEMS: asked.complete_by if asked.missing else None,
                Deadline.COMMENTS: None if asked.observed else asked.observe_until,
            }
        case _:
            return {}


def _of_expired(
    dossier: Dossier, policy: Policy, at: datetime, echeance: date
) -> dict[Deadline, date | None]:
    """A closed last day runs to the next open one; then only the result is left."""
    by_term = ended_on(dossier, policy, at) == echeance
    given = dossier.result_promised_to is not None
    return {
        Deadline.RENEWAL: last_day_to_renew(echeance, policy) if by_term else None,
        Deadline.RETURN: None if given else way_back_until(dossier, policy, at),
    }
