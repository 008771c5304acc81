"""A dossier as its person sees it: the headline, from its phase and its dates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from api.pages.words import Sentence
from api.v1.answers import ExplanationAnswer, StateAnswer
from rules.civil_time import civil_date
from rules.dossier import Dossier, EndReason, Link, Operation, Phase, Stage
from rules.links import is_linked, unlinked_since
from rules.policy import Policy
from rules.reasons import Condition, Finding
from rules.standing import last_day_to_renew, last_day_unlinked, paid_invoice
from rules.transfer import last_day_to_finish


@dataclass(frozen=True, slots=True)
class Seen:
    """What was told of a dossier, at the instant *at* for which it holds."""

    state: StateAnswer
    explanation: ExplanationAnswer
    policy: Policy
    at: datetime

    @property
    def dossier(self) -> Dossier:
        """The facts of the dossier."""
        return self.state.dossier

    @property
    def today(self) -> date:
        """The day in Québec for which this holds."""
        return civil_date(self.at)

    def days_until(self, last_day: date) -> int:
        """Count the days left, the present one not counted."""
        return (last_day - self.today).days

    def finding(self, condition: Condition) -> Finding | None:
        """Find the answer on a condition, if it is asked in this phase."""
        found = (f for f in self.explanation.findings if f.condition is condition)
        return next(found, None)

    @property
    def last_valid_day(self) -> date:
        """The last valid day, sooner than the term's where no link came back."""
        running = self.finding(Condition.TERM_IS_RUNNING)
        day = running.turns_on if running else self.state.last_valid_day
        assert day is not None
        return day

    @property
    def ended_on(self) -> date:
        """The first day without validity of an expired certificate."""
        ended = self.finding(Condition.CERTIFICATE_HAS_ENDED)
        day = ended.turns_on if ended else self.dossier.echeance
        assert day is not None
        return day

    @property
    def finish_by(self) -> date | None:
        """The last day on which the exam result here can lead to a certificate."""
        exam = self.dossier.exam
        return last_day_to_finish(exam, self.policy) if exam else None

    @property
    def still_renewable_until(self) -> date | None:
        """The last day on which a renewal still undoes the expiry, if not past."""
        echeance = self.dossier.echeance
        if echeance is None or self.ended_on != echeance:
            return None
        limit = last_day_to_renew(echeance, self.policy)
        return limit if limit >= self.today else None

    @property
    def way_back_until(self) -> date | None:
        """The last day to come back without a new exam, if not past."""
        limit = self.explanation.last_day
        return limit if limit is not None and limit >= self.today else None

    @property
    def suspended_since(self) -> date:
        """The first day without a link."""
        return unlinked_since(self.dossier, self.today) or self.today

    @property
    def link_by(self) -> date:
        """The last day on which a new link ends the suspension."""
        limit = last_day_unlinked(self.suspended_since, self.policy)
        return min(limit, self.last_valid_day)

    @property
    def is_linked(self) -> bool:
        """Whether an agency counts today."""
        return is_linked(self.dossier, self.today)

    @property
    def is_paid(self) -> bool:
        """Whether the first invoice is paid."""
        return paid_invoice(self.dossier, Operation.ISSUE) is not None

    @property
    def pending_link(self) -> Link | None:
        """The newest link that its agency has neither confirmed nor refused."""
        return next(
            (
                link
                for link in reversed(self.dossier.links)
                if link.since is None and link.until is None and link.refused_on is None
            ),
            None,
        )

    @property
    def coming_link(self) -> Link | None:
        """A confirmed link that begins on a later day."""
        return next(
            (x for x in self.dossier.links if x.since and x.since > self.today), None
        )


Headline = tuple[Sentence, Sentence]
"""The sentence that stands first, and what follows it."""


def headline(seen: Seen) -> Headline:
    """Say in two sentences where the dossier stands, and until when."""
    return _HEADLINES[seen.state.phase](seen)


def _exam_awaited(seen: Seen) -> Headline:
    limit = seen.finish_by
    if limit is not None:
        lapsed = Sentence("headline.exam_lapsed", {"limit": limit})
        return lapsed, Sentence("headline.exam_lapsed_more")
    more = {"opened_on": seen.dossier.opened_on}
    awaited = Sentence("headline.exam_awaited_more", more)
    return Sentence("headline.exam_awaited"), awaited


def _in_review(seen: Seen) -> Headline:
    request = seen.dossier.request
    assert request is not None
    if request.stage is Stage.ITEMS_MISSING and request.complete_by:
        more = Sentence("headline.items_missing_more", {"until": request.complete_by})
        return Sentence("headline.items_missing"), more
    if request.stage is Stage.NOTICE_GIVEN and may_observe(seen):
        until = {"until": request.observe_until}
        more = Sentence("headline.notice_given_more", until)
        return Sentence("headline.notice_given"), more
    asked = Sentence("headline.in_review", {"asked_on": request.asked_on})
    return asked, Sentence("headline.in_review_more")


def may_observe(seen: Seen) -> bool:
    """Answer whether comments on an intended refusal may still come."""
    request = seen.dossier.request
    return bool(
        request and request.observe_until and request.observe_until >= seen.today
    )


def _to_finalize(seen: Seen) -> Headline:
    until = seen.finish_by
    assert until is not None
    missing = {
        (False, False): "headline.two_missing",
        (False, True): "headline.payment_missing",
        (True, False): "headline.agency_missing",
        (True, True): "headline.nothing_missing",
    }
    first = Sentence(missing[seen.is_paid, seen.is_linked])
    if until == seen.today:
        return first, Sentence("headline.last_day_more", {"until": until})
    left = {"left": seen.days_until(until), "until": until}
    return first, Sentence("headline.to_finalize_more", left)


def _in_force(seen: Seen) -> Headline:
    last = seen.last_valid_day
    first = Sentence("headline.in_force", {"last_day": last})
    if last == seen.today:
        return first, Sentence("headline.in_force_last_day_more", {"last_day": last})
    left = {"left": seen.days_until(last), "last_day": last}
    return first, Sentence("headline.in_force_more", left)


def _suspended(seen: Seen) -> Headline:
    first = Sentence("headline.suspended", {"since": seen.suspended_since})
    return first, Sentence("headline.suspended_more", {"until": seen.link_by})


def _expired(seen: Seen) -> Headline:
    first = Sentence("headline.expired", {"ended_on": seen.ended_on})
    if seen.still_renewable_until is not None:
        until = {"until": seen.still_renewable_until}
        return first, Sentence("headline.still_renewable_more", until)
    if seen.dossier.result_promised_to is not None:
        return first, Sentence("headline.result_given_more")
    if seen.way_back_until is not None:
        until = {"until": seen.way_back_until}
        return first, Sentence("headline.way_back_more", until)
    return first, Sentence("headline.no_way_back_more")


def _closed(seen: Seen) -> Headline:
    ending = seen.dossier.ending
    if ending is None or ending.reason is EndReason.UNKNOWN_NUMBER:
        return Sentence("headline.closed"), Sentence("headline.closed_more")
    moved = ending.reason is EndReason.RESULT_MOVED
    key = "headline.result_moved" if moved else "headline.cancelled"
    return Sentence(key, {"on": ending.on}), Sentence(f"{key}_more")


_HEADLINES: Mapping[Phase, Callable[[Seen], Headline]] = {
    Phase.EXAM_AWAITED: _exam_awaited,
    Phase.IN_REVIEW: _in_review,
    Phase.TO_FINALIZE: _to_finalize,
    Phase.IN_FORCE: _in_force,
    Phase.SUSPENDED: _suspended,
    Phase.EXPIRED: _expired,
    Phase.CLOSED: _closed,
}
