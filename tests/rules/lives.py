"""Random dossiers and policies for the laws that hold for all of them."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite

from rules.agenda import Duty
from rules.civil_time import LeapDayTerm, add_years
from rules.dossier import (
    Capture,
    Dossier,
    Exam,
    Invoice,
    Link,
    Operation,
    PermitChange,
    Stage,
    Takeover,
    Task,
    Term,
    TransferRequest,
)
from rules.policy import (
    ExamLadderFrom,
    FirstDay,
    LateRenewal,
    Policy,
    RemindersFrom,
    RenewedTermStarts,
    TransferRule,
)
from tests.dossiers import (
    HOLDER,
    OTHER_PERMIT,
    PERMIT,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
)

_DEFAULT = a_policy()

policies: SearchStrategy[Policy] = st.builds(
    lambda **switches: replace(_DEFAULT, **switches),
    transfer_rule=st.sampled_from(TransferRule),
    delays_extended=st.booleans(),
    reminders_counted_from=st.sampled_from(RemindersFrom),
    exam_ladder_counted_from=st.sampled_from(ExamLadderFrom),
    late_renewal=st.sampled_from(LateRenewal),
    renewed_term_starts=st.sampled_from(RenewedTermStarts),
    leap_day_term=st.sampled_from(LeapDayTerm),
    first_day_of_certificate=st.sampled_from(FirstDay),
)
"""Every combination of the switches."""

echeances = st.dates(date(2024, 1, 1), date(2100, 12, 31)) | st.sampled_from(
    [date(year, 2, 29) for year in range(2024, 2097, 4)]
)
"""Days on which a certificate ends, 29 February often."""


def days_near(day: date, before: int = 800, after: int = 800) -> SearchStrategy[date]:
    return st.integers(-before, after).map(lambda n: day + timedelta(days=n))


@composite
def links_near(draw: DrawFn, day: date) -> tuple[Link, ...]:
    """Up to three links about *day*: asked, begun, ended, refused, told ahead."""
    made = []
    for position in range(draw(st.integers(0, 3))):
        since = draw(st.none() | days_near(day))
        lasts = draw(st.none() | st.integers(0, 900))
        made.append(
            Link(
                f"link-{position}",
                draw(st.sampled_from([PERMIT, OTHER_PERMIT])),
                since=since,
                until=since + timedelta(days=lasts)
                if since is not None and lasts is not None
                else None,
            )
        )
    return tuple(made)


def permit_changes_near(day: date) -> SearchStrategy[tuple[PermitChange, ...]]:
    change = st.builds(
        PermitChange,
        st.sampled_from([PERMIT, OTHER_PERMIT]),
        valid=st.booleans(),
        effective_on=days_near(day),
    )
    return st.lists(change, max_size=3).map(tuple)


@composite
def holders(draw: DrawFn) -> Dossier:
    """A certificate of one or two terms, any links, and perhaps a paid renewal."""
    dossier = a_holder(draw(echeances))
    start, echeance = dossier.terms[-1].start, dossier.terms[-1].echeance
    if draw(st.booleans()):
        start = add_years(start, -2)
        first = Term(start, dossier.terms[-1].start)
        dossier = replace(
            dossier, terms=(first, *dossier.terms), links=(a_link(start),)
        )
    linked_at_issue = draw(st.booleans())
    links = draw(links_near(start))
    dossier = replace(
        dossier,
        links=(*dossier.links, *links) if linked_at_issue else links,
        permit_changes=draw(permit_changes_near(echeance)),
    )
    if draw(st.booleans()):
        paid_on = draw(days_near(echeance, before=90, after=10))
        invoice = Invoice(
            "renewal",
            Operation.RENEWAL,
            paid_on,
            renews=echeance,
            paid=Capture("pay", noon(paid_on), 18500),
        )
        dossier = dossier.with_invoice(invoice)
    return dossier


@composite
def finalizing(draw: DrawFn) -> Dossier:
    """An exam result is here, after a transfer or not; perhaps paid, perhaps linked."""
    passed_on = draw(echeances)
    takeover = draw(
        st.none()
        | st.builds(
            Takeover,
            st.just(HOLDER),
            days_near(passed_on),
            st.booleans(),
            st.none() | days_near(passed_on),
        )
    )
    here_since = passed_on + timedelta(days=draw(st.integers(0, 700)))
    return a_finalizing(
        passed_on,
        here_since=here_since,
        links=draw(links_near(here_since)),
        takeover=takeover,
    )


@composite
def asking(draw: DrawFn) -> Dossier:
    """A request to transfer at any stage, with tasks for a person."""
    asked_on = draw(echeances)
    request = TransferRequest(
        "request-1",
        asked_on,
        draw(st.sampled_from(Stage)),
        complete_by=asked_on + timedelta(days=draw(st.integers(1, 60))),
        observe_until=draw(st.none() | days_near(asked_on, before=0)),
    )
    tasks = tuple(
        Task(f"task-{n}", "to_read", draw(days_near(asked_on, before=0)))
        for n in range(draw(st.integers(0, 3)))
    )
    return replace(a_newcomer(asked_on), request=request, tasks=tasks)


dossiers: SearchStrategy[Dossier] = holders() | finalizing() | asking()


def ladders(duties: tuple[Duty, ...]) -> dict[str, list[Duty]]:
    """Gather the steps of each ladder, in their order."""
    found: dict[str, list[Duty]] = {}
    for duty in duties:
        if duty.ladder is not None:
            found.setdefault(duty.ladder, []).append(duty)
    return found


def exam_of(dossier: Dossier) -> Exam:
    assert dossier.exam is not None
    return dossier.exam
