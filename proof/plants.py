"""Planted bugs: each breaks one function of the product from outside, in this process.

The switches are here and nowhere in the product: a plant puts a wrong function in the
place of a right one while it is `planted`. The judge must find every one of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from types import ModuleType
from typing import Any

from proof.memory import Post, Records
from proof.standin import WORKFLOW, Run
from rules import agenda, links, standing, transfer
from rules.agenda import Act
from rules.civil_time import add_months, add_years, civil_date
from rules.dossier import Capture, Phase
from workflows import (
    commands,
    consequences,
    doors,
    hearing,
    invoicing,
    money,
    renewal,
    turn,
)
from workflows.doors import Doors
from workflows.messages import Posted
from workflows.postbox import Postbox
from workflows.turn import Turn

Place = ModuleType | type[object]
Patch = tuple[Place, str, Any]
PLANTS: dict[str, Callable[[], list[Patch]]] = {}

_DAY = timedelta(days=1)


def plant(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """List a planted bug under its name."""
    PLANTS[make.__name__] = make
    return make


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Live with one bug; everything is put back afterwards."""
    with patched(PLANTS[name]()):
        yield


@contextmanager
def patched(patches: list[Patch]) -> Iterator[None]:
    """Live with wrong functions in the place of right ones, for a while."""
    before = [(place, what, getattr(place, what)) for place, what, _ in patches]
    try:
        for place, what, wrong in patches:
            setattr(place, what, wrong)
        yield
    finally:
        for place, what, right in before:
            setattr(place, what, right)


def _right(place: ModuleType, what: str) -> Any:
    """The function as the module calls it, wherever it was written."""
    return getattr(place, what)


def _in(places: tuple[Place, ...], what: str, wrong: object) -> list[Patch]:
    return [(place, what, wrong) for place in places]


# ------------------------------------------------------------------ days and hours


@plant
def days_are_24_hours_long() -> list[Patch]:
    """Instants are counted from the winter's offset: an hour off in summer."""

    def wrong(day: date, local: time) -> datetime:
        return datetime.combine(day, local, UTC) + timedelta(hours=5)

    return [
        (agenda, "at_local", wrong),
        (agenda, "start_of", lambda d: wrong(d, time())),
    ]


@plant
def the_day_is_utc() -> list[Patch]:
    """An evening in Québec is tomorrow."""

    def wrong(at: datetime) -> date:
        return at.astimezone(UTC).date()

    return _in((standing, turn, money, hearing), "civil_date", wrong)


@plant
def a_term_from_29_february_ends_in_march() -> list[Patch]:
    """The leap day's term is a day too long."""

    def wrong(start: date, years: int, **_: object) -> date:
        end = add_years(start, years)
        return end + _DAY if end.day != start.day else end

    return [(standing, "term_end", wrong)]


@plant
def no_delay_is_extended() -> list[Patch]:
    """A closed last day ends a delay all the same (against P-40.1 s. 269)."""

    def wrong(limit: date, **_: object) -> date:
        return limit

    return _in((standing, transfer), "last_day_to_act", wrong)


@plant
def a_closed_day_lengthens_the_certificate() -> list[Patch]:
    """The délai of s. 269 is given to the term itself."""
    right = standing._end  # noqa: SLF001

    def wrong(dossier: Any, policy: Any) -> Any:
        end = right(dossier, policy)
        last = _right(standing, "last_day_to_act")(end - _DAY, delays_extended=True)
        return last + _DAY

    return [(standing, "_end", wrong)]


@plant
def the_last_day_is_too_late() -> list[Patch]:
    """A payment on the last day does not renew."""
    right = standing.last_day_to_renew
    return _in(
        (standing, invoicing), "last_day_to_renew", lambda e, p: right(e, p) - _DAY
    )


@plant
def reminders_count_from_the_echeance() -> list[Patch]:
    """Each step leaves a day late."""
    return [(agenda, "last_day", lambda echeance: echeance)]


@plant
def letters_leave_at_midnight() -> list[Patch]:
    """The hour of letters is forgotten."""
    right = agenda._morning  # noqa: SLF001

    def wrong(key: str, day: date, policy: Any) -> datetime:
        return right(key, day, replace(policy, letters_from_hour=0))

    return [(agenda, "_morning", wrong)]


@plant
def two_years_are_730_days() -> list[Patch]:
    """Years are counted in days."""

    def wrong(day: date, years: int) -> date:
        return day + timedelta(days=365 * years)

    return _in((standing, transfer), "add_years", wrong)


# ------------------------------------------------------------------ windows, causes


def _windowless(dossier: Any, policy: Any) -> Any:
    return tuple(replace(d, useless_at=None) for d in agenda.agenda(dossier, policy))


@plant
def every_past_reminder_is_sent() -> list[Patch]:
    """A dossier taken over late, or an outage's end, brings a burst."""
    return _in((renewal, consequences, doors), "agenda", _windowless)


@plant
def only_the_first_late_reminder_is_dropped() -> list[Patch]:
    """Of several steps past their window one is superseded, the others stay due."""
    right = _right(renewal, "falling_due")

    def wrong(duties: Any, settled: Any, now: datetime) -> Any:
        falling = right(duties, settled, now)
        late = (replace(d, useless_at=None) for d in falling.superseded[1:])
        first = falling.superseded[:1]
        return replace(falling, to_do=(*late, *falling.to_do), superseded=first)

    return [(renewal, "falling_due", wrong)]


@plant
def a_false_reminder_is_not_withdrawn() -> list[Patch]:
    """A deferred reminder leaves though its cause is gone."""
    right = Postbox.withdraw

    def wrong(self: Postbox, duties: set[str], now: datetime) -> Any:
        causes = {o.cause for o in self.unsent if o.cause}
        return right(self, duties | causes, now)

    return [(Postbox, "withdraw", wrong)]


@plant
def a_late_reminder_is_not_withdrawn() -> list[Patch]:
    """A deferred reminder leaves after its window."""
    right = Postbox.withdraw

    def wrong(self: Postbox, duties: set[str], now: datetime) -> Any:
        return right(self, duties, now - timedelta(days=400))

    return [
        (Postbox, "withdraw", wrong),
        (Postbox, "useless_next", lambda _: None),
        (Post, "useless", lambda *_: False),
    ]


@plant
def a_paid_holder_is_reminded_still() -> list[Patch]:
    """A renewal is granted at the échéance only."""
    right = _right(consequences, "renewal_due")

    def wrong(dossier: Any, policy: Any) -> Any:
        term = right(dossier, policy)
        waits = term is not None and _now_is_before(term.start)
        return None if waits else term

    return [(consequences, "renewal_due", wrong)]


def _now_is_before(day: date) -> bool:
    return civil_date(WORKFLOW.now()) < day


@plant
def the_letter_of_the_day_is_said_twice() -> list[Patch]:
    """To finalize, and the step of the same day says it again."""
    return [(consequences, "_say_once", lambda _: None)]


@plant
def a_cancelled_dossier_goes_on() -> list[Patch]:
    """Cancelled, yet its duties stay."""

    def wrong(command_turn: Turn, command: Any) -> None:
        command_turn.note("cancelled", command.by)
        command_turn.write("cancelled", civil_date(command_turn.now))

    return [(commands, "_cancel", wrong)]


# -------------------------------------------------------------------------- letters


@plant
def later_is_taken_for_never() -> list[Patch]:
    """A 4xx ends the letter."""

    def wrong(self: Post, order: Any, *_: Any) -> Posted:
        self.rows[order.key] = "skipped"
        return Posted.SKIPPED

    return [(Post, "deferred", wrong)]


@plant
def never_is_taken_for_later() -> list[Patch]:
    """A 5xx is tried again for ever."""
    return [(Post, "refused", lambda self, order, n: self.deferred(order, n))]


@plant
def a_letter_in_doubt_is_sent_again() -> list[Patch]:
    """No look into the relay's log before a repeat."""
    return [(Post, "log_has", lambda *_: False)]


@plant
def a_letter_in_doubt_stays_there() -> list[Patch]:
    """What was being sent when the worker died is left alone."""
    right = Post.send

    def wrong(self: Post, order: Any, now: datetime, attempts: int) -> Posted:
        if self.rows.get(order.key) == "sending" and attempts:
            return Posted.SKIPPED
        return right(self, order, now, attempts)

    return [(Post, "send", wrong)]


@plant
def accepted_before_it_was() -> list[Patch]:
    """The row says accepted before DATA."""
    right = Post.attempt

    def wrong(self: Post, order: Any, now: datetime, attempts: int) -> Posted:
        try:
            return right(self, order, now, attempts)
        finally:
            self.rows[order.key] = "accepted"

    return [(Post, "attempt", wrong)]


@plant
def the_outbox_forgets_its_keys() -> list[Patch]:
    """A row is new at each order."""
    right = Post.send

    def wrong(self: Post, order: Any, now: datetime, attempts: int) -> Posted:
        self.rows.pop(order.key, None)
        return right(self, order, now, attempts)

    return [(Post, "send", wrong)]


@plant
def the_first_address_is_kept() -> list[Patch]:
    """Letters go where the person lived when the story began."""
    right = Post.address_at
    return [(Post, "address_at", lambda self, _: right(self, self.history.begins))]


@plant
def a_refused_letter_tells_nobody() -> list[Patch]:
    """No task when the relay says never."""
    right = Turn.give_letter_to_a_person

    def wrong(self: Turn, reason: str, key: str) -> None:
        if reason != "letter_refused":
            right(self, reason, key)

    return [(Turn, "give_letter_to_a_person", wrong)]


@plant
def a_returned_letter_tells_nobody() -> list[Patch]:
    """No task for a bounce."""
    right = Turn.give_letter_to_a_person

    def wrong(self: Turn, reason: str, key: str) -> None:
        if reason != "letter_bounced":
            right(self, reason, key)

    return [(Turn, "give_letter_to_a_person", wrong)]


@plant
def letters_are_left_behind_by_a_new_run() -> list[Patch]:
    """What had not left when a run ended is forgotten."""
    right = Run.__init__

    def wrong(self: Run, start: Any, effects: Any) -> None:
        if start.story is not None:
            start = start.model_copy(
                update={"story": start.story.model_copy(update={"letters": ()})}
            )
        right(self, start, effects)

    return [(Run, "__init__", wrong)]


@plant
def an_expiry_is_silent() -> list[Patch]:
    """The certificate ends without a letter."""
    return [(consequences, "_expired", lambda _: None)]


# ---------------------------------------------------------------------------- facts


@plant
def a_fact_told_twice_counts_twice() -> list[Patch]:
    """Neither the fact's id nor the payment's is looked at."""

    def twice(self: Doors, fact: Any) -> None:
        self._waiting.append(fact)
        if self._told is not None:
            self._told = self._told.model_copy(update={"seen": ()})

    right = money._trouble_with_payment  # noqa: SLF001

    def trouble(t: Turn, invoice: Any, fact: Any) -> str | None:
        found = right(t, invoice, fact)
        return found or ("double_payment" if invoice and invoice.paid else None)

    return [(Doors, "_hear", twice), (money, "_trouble_with_payment", trouble)]


@plant
def the_hour_of_telling_counts() -> list[Patch]:
    """A payment captured in time and told late comes too late."""
    right = _right(hearing, "invoice_paid")

    def wrong(t: Turn, fact: Any) -> None:
        right(t, fact.model_copy(update={"occurred_at": t.now, "received_at": t.now}))

    return [(hearing, "invoice_paid", wrong)]


@plant
def a_reversal_is_ignored() -> list[Patch]:
    """Money taken back changes nothing."""
    return [(hearing, "payment_reversed", lambda *_: None)]


@plant
def a_reversal_after_the_new_term_undoes_it() -> list[Patch]:
    """The machine takes a term back that has begun."""
    right = _right(hearing, "payment_reversed")

    def wrong(t: Turn, fact: Any) -> None:
        now, t.now = t.now, t.now - timedelta(days=700)
        right(t, fact)
        t.now = now

    return [(hearing, "payment_reversed", wrong)]


@plant
def any_amount_will_do() -> list[Patch]:
    """A dollar short renews."""
    right = _right(hearing, "invoice_paid")

    def wrong(t: Turn, fact: Any) -> None:
        cents = 18500 if t.dossier.terms else 18000
        right(t, fact.model_copy(update={"amount_cents": cents}))

    return [(hearing, "invoice_paid", wrong)]


@plant
def a_second_payment_is_kept() -> list[Patch]:
    """Paid twice, and nobody is told."""
    right = _right(hearing, "invoice_paid")

    def wrong(t: Turn, fact: Any) -> None:
        invoice = t.dossier.invoice(fact.invoice_id)
        if invoice is None or not isinstance(invoice.paid, Capture):
            right(t, fact)

    return [(hearing, "invoice_paid", wrong)]


@plant
def a_closed_dossier_hears_nothing() -> list[Patch]:
    """A fact told after the end is dropped."""
    right = hearing.hear

    def wrong(t: Turn, fact: Any) -> None:
        if t.dossier.ending is None:
            right(t, fact)
        else:
            t.applied.append(fact.fact_id)

    return [(renewal, "hear", wrong)]


@plant
def facts_are_heard_one_a_turn() -> list[Patch]:
    """Of several facts that wait, the last ones are lost."""
    right = renewal.RenewalWorkflow._take_in_what_was_told  # noqa: SLF001

    def wrong(self: Any, t: Turn) -> Any:
        self._waiting = self._waiting[:1]
        return right(self, t)

    return [(renewal.RenewalWorkflow, "_take_in_what_was_told", wrong)]


# --------------------------------------------------------------- links and permits


@plant
def a_permit_is_always_valid() -> list[Patch]:
    """A lost permit suspends nobody."""
    return [(links, "permit_is_valid", lambda *_: True)]


@plant
def a_link_lives_on_its_last_day() -> list[Patch]:
    """*until* is taken for the last day of a link."""
    right = links.is_alive

    def wrong(dossier: Any, link: Any, day: date) -> bool:
        until = None if link.until is None else link.until + _DAY
        return right(dossier, replace(link, until=until), day)

    return [(links, "is_alive", wrong)]


@plant
def one_link_ended_suspends() -> list[Patch]:
    """Several links are taken for one."""
    right = links.is_linked

    def wrong(dossier: Any, day: date) -> bool:
        ended = any(x.until is not None and x.until <= day for x in dossier.links)
        return right(dossier, day) and not ended

    return _in((links, standing), "is_linked", wrong)


@plant
def nothing_wakes_for_a_date_told_ahead() -> list[Patch]:
    """A link that ends tomorrow suspends when something else wakes the story."""
    right = agenda.agenda

    def wrong(dossier: Any, policy: Any) -> Any:
        return tuple(d for d in right(dossier, policy) if d.act is not Act.LOOK_AGAIN)

    return _in((renewal, consequences, doors), "agenda", wrong)


@plant
def two_years_without_a_link_end_nothing() -> list[Patch]:
    """The longest suspension is forgotten."""
    return _in(
        (standing, agenda, invoicing), "unlinked_too_long_since", lambda *_: None
    )


@plant
def a_reinstatement_is_silent() -> list[Patch]:
    """Back in force, and the person is not told."""
    right = consequences.follow

    def wrong(t: Turn) -> None:
        if t.told is Phase.SUSPENDED and t.phase is Phase.IN_FORCE:
            t.told = t.phase
        else:
            right(t)

    return [(renewal, "follow", wrong)]


# ---------------------------------------------------------------- exam and transfer


@plant
def the_link_at_the_end_gives_no_ground() -> list[Patch]:
    """Only a young exam lets a holder come back."""
    right = _right(standing, "is_linked")

    def blind(dossier: Any, day: date) -> bool:
        before_the_end = (
            bool(dossier.terms) and day == dossier.terms[-1].echeance - _DAY
        )
        return right(dossier, day) and not before_the_end

    return [(standing, "is_linked", blind)]


@plant
def the_anniversary_is_out() -> list[Patch]:
    """« pas plus de 2 ans » is read as less than two years."""
    right = transfer.grounds_on
    return [
        (
            transfer,
            "grounds_on",
            lambda exam, day, policy: right(exam, day + _DAY, policy),
        )
    ]


@plant
def a_lapse_refunds_nobody() -> list[Patch]:
    """The fee of an exam that lapsed is kept."""
    right = _right(consequences, "paid_invoice")
    return [
        (consequences, "paid_invoice", lambda d, o: None if d.exam else right(d, o)),
    ]


@plant
def a_certificate_begins_when_told() -> list[Patch]:
    """The first day is that of the telling."""
    right = _right(renewal, "certificate_due")

    def wrong(dossier: Any, policy: Any, told_on: date) -> Any:
        term = right(dossier, policy, told_on)
        return term and replace(term, start=told_on)

    return [(renewal, "certificate_due", wrong)]


@plant
def a_new_term_is_a_year_short() -> list[Patch]:
    """The sibling kind's term is given."""
    return [(standing, "_echeance_of", lambda start, _: add_months(start, 12))]


@plant
def a_record_is_lost_with_the_worker() -> list[Patch]:
    """Every seventh record is answered for before it is kept."""
    right = Records.keep_record

    def wrong(self: Records, record: Any) -> None:
        if record.version % 7 != 0:
            right(self, record)

    return [(Records, "keep_record", wrong)]
