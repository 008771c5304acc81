"""Money is never created nor destroyed, whatever order it is told in, lost or twice."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.agenda import agenda, falling_due
from rules.civil_time import civil_date
from rules.dossier import Ending, EndReason, Operation, Phase
from rules.fees import AdoptedFee, amount_on, with_adopted
from tests.dossiers import a_holder, a_policy
from workflows import money
from workflows.consequences import follow, perform, renew_if_paid, supersede
from workflows.hearing import hear
from workflows.messages import (
    AnyFact,
    InvoicePaid,
    LetterOrder,
    PaymentRefunded,
    PaymentReversed,
    RefundOrdered,
    RefundRefused,
    Source,
)
from workflows.turn import Turn

SEQUENCES = 2500
ECHEANCE = date(2027, 8, 15)
BEGINNING = datetime(2027, 5, 20, 16, tzinfo=UTC)  # the renewal has just been asked
JULY = AdoptedFee(
    a_policy().kind, Operation.RENEWAL, date(2027, 7, 1), 19000, "Gazette, p. 143"
)
POLICY = with_adopted(a_policy(), [JULY], civil_date(BEGINNING))
FROM = Source.PAYMENT_PROVIDER


@dataclass
class Charge:
    """Money at the provider: what it knows, whatever we were told."""

    payment_id: str
    invoice_id: str
    cents: int
    currency: str
    at: datetime
    refunded: int = 0
    reversed_at: datetime | None = None
    is_told: bool = False


@dataclass
class World:
    """A provider, a network that may do anything to messages, and one dossier."""

    turn: Turn
    charges: list[Charge] = field(default_factory=list)
    on_the_way: list[tuple[Charge, AnyFact]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    letters: list[LetterOrder] = field(default_factory=list)
    orders: list[RefundOrdered] = field(default_factory=list)
    carried_out: set[str] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        return self.turn.now

    # ------------------------------------------------------------------ the story

    def live(self, facts: Iterable[AnyFact] = ()) -> None:
        """Take one turn as the story does."""
        for fact in facts:
            if fact.fact_id not in self.seen:
                self.seen.add(fact.fact_id)
                hear(self.turn, fact)
        renew_if_paid(self.turn)
        self._follow()
        duties = agenda(self.turn.dossier, POLICY)
        falling = falling_due(
            duties, frozenset({*self.settled, *self.turn.settled}), self.now
        )
        supersede(self.turn, falling.superseded)
        for duty in falling.to_do:
            perform(self.turn, duty)
        self._follow()
        self._keep()

    def _follow(self) -> None:
        if self.turn.phase is not self.turn.told:
            follow(self.turn)
            self.turn.told = self.turn.phase

    def _keep(self) -> None:
        self.letters += self.turn.letters
        # The table of refunds keeps the first order of a key.
        kept = {order.key for order in self.orders}
        self.orders += [r for r in self.turn.refunds if r.key not in kept]
        self.settled |= {*self.turn.settled, *self.turn.reminded}
        told = self.turn.told
        self.turn = Turn(self.turn.dossier, POLICY, self.now, told)

    # --------------------------------------------------------------- the provider

    def capture(self, which: int, kind: Literal["fee", "odd", "usd"]) -> None:
        """A card is charged: for the newest invoice, an older one, or none of ours."""
        known = [*(i.invoice_id for i in self.turn.dossier.invoices), "unknown"]
        fee = amount_on(civil_date(self.now), Operation.RENEWAL, POLICY).cents
        charge = Charge(
            f"pay-{len(self.charges)}",
            known[-2 - which] if which < len(known) - 1 else known[-1],
            fee + 1 if kind == "odd" else fee,
            "USD" if kind == "usd" else "CAD",
            self.now,
        )
        self.charges.append(charge)
        fact = InvoicePaid(
            fact_id=f"{charge.payment_id}:paid",
            source=FROM,
            occurred_at=charge.at,
            received_at=charge.at,
            invoice_id=charge.invoice_id,
            payment_id=charge.payment_id,
            amount_cents=charge.cents,
            currency=charge.currency,
        )
        self.on_the_way.append((charge, fact))

    def give_back(self, charge: Charge, cents: int) -> bool:
        """Refund at the provider; it never gives back more than it took."""
        left = charge.cents - charge.refunded
        if cents <= 0 or cents > left or charge.reversed_at is not None:
            return False
        charge.refunded += cents
        fact = PaymentRefunded(
            fact_id=f"{charge.payment_id}:refunded:{charge.refunded}",
            source=FROM,
            occurred_at=self.now,
            received_at=self.now,
            payment_id=charge.payment_id,
            refunded_cents=charge.refunded,
            captured_cents=charge.cents,
        )
        self.on_the_way.append((charge, fact))
        return True

    def contest(self, charge: Charge) -> None:
        """The card's bank takes the money back, once."""
        if charge.reversed_at is not None:
            return
        charge.reversed_at = self.now
        fact = PaymentReversed(
            fact_id=f"{charge.payment_id}:reversed",
            source=FROM,
            occurred_at=self.now,
            received_at=self.now,
            payment_id=charge.payment_id,
        )
        self.on_the_way.append((charge, fact))

    def carry_out_orders(self) -> None:
        """Do as the sweep does with what the dossier ordered back, each key once."""
        for order in self.orders:
            if order.key in self.carried_out:
                continue
            self.carried_out.add(order.key)
            charge = self.charge(order.payment_id)
            if charge.reversed_at is None and not self.give_back(
                charge, order.amount_cents
            ):
                self.on_the_way.append((charge, self._refused(charge)))

    def _refused(self, charge: Charge) -> RefundRefused:
        return RefundRefused(
            fact_id=f"{charge.payment_id}:refund refused",
            source=FROM,
            occurred_at=self.now,
            received_at=self.now,
            payment_id=charge.payment_id,
            amount_cents=charge.cents,
            refunded_cents=charge.refunded,
        )

    def charge(self, payment_id: str) -> Charge:
        return next(c for c in self.charges if c.payment_id == payment_id)

    # ---------------------------------------------------------------- the network

    def deliver(self, place: int, *, twice: bool) -> None:
        """Bring one message, of any age; what came before its capture waits for it."""
        if not self.on_the_way:
            return
        charge, fact = self.on_the_way.pop(place % len(self.on_the_way))
        if isinstance(fact, InvoicePaid):
            self._capture_told(charge, fact)
        elif charge.is_told:
            self.live([fact])
        else:
            # The intake keeps it and hands it over with the capture.
            self.on_the_way.append((charge, fact))
            return
        if twice:
            self.live([fact.model_copy(update={"fact_id": f"{fact.fact_id}:again"})])

    def _capture_told(self, charge: Charge, fact: InvoicePaid) -> None:
        charge.is_told = True
        waiting = tuple(
            late
            for owner, late in self.on_the_way
            if owner is charge and isinstance(late, PaymentReversed | PaymentRefunded)
        )
        self.live(
            [fact.model_copy(update={"received_at": self.now, "taken_back": waiting})]
        )

    def deliver_everything(self) -> None:
        """Let the sweep ask for what was lost, until nothing is left to tell."""
        while self.on_the_way or {o.key for o in self.orders} - self.carried_out:
            captures_first = sorted(
                self.on_the_way, key=lambda told: not isinstance(told[1], InvoicePaid)
            )
            self.on_the_way = captures_first
            self.deliver(0, twice=False)
            self.carry_out_orders()

    # -------------------------------------------------------------------- the books

    def check(self) -> None:
        """Every cent told is in one place, and that place is known."""
        dossier = self.turn.dossier
        paying = [i for i in dossier.invoices if i.is_paid]
        purposes = [(i.operation, i.renews) for i in paying]
        assert len(purposes) == len(set(purposes)), "one purpose paid twice"
        still_asked = {(i.operation, i.renews) for i in dossier.invoices if i.is_open}
        assert not still_asked & set(purposes), "asked again though it is paid"
        ids = [i.paid.payment_id for i in dossier.invoices if i.paid is not None]
        assert len(ids) == len(set(ids)), "one capture pays two invoices"
        assert set(ids) <= {c.payment_id for c in self.charges}, "money out of nowhere"
        for charge in self.charges:
            self._check(charge)

    def _check(self, charge: Charge) -> None:
        name = charge.payment_id
        ordered = sum(o.amount_cents for o in self.orders if o.payment_id == name)
        assert ordered <= charge.cents, "more ordered back than was taken"
        assert charge.refunded <= charge.cents
        receipts = [x for x in self.letters if x.key.endswith(f"/{name}/receipt")]
        assert len(receipts) <= 1, "two receipts for one payment"
        if not charge.is_told:
            return
        invoice = next(
            (
                i
                for i in self.turn.dossier.invoices
                if i.paid is not None and i.paid.payment_id == name
            ),
            None,
        )
        if invoice is not None:
            assert invoice.paid is not None
            assert invoice.paid.amount_cents == charge.cents
            assert len(receipts) == 1
            assert not ordered, "money that pays was ordered back by rule"
        is_with_a_person = any(
            task.task_id.endswith(f":{name}") for task in self.turn.dossier.tasks
        )
        gone = charge.reversed_at is not None or charge.refunded == charge.cents
        counts = invoice is not None and invoice.is_paid
        assert counts or ordered or is_with_a_person or gone, "money nobody looks after"


def a_world() -> World:
    dossier = a_holder(ECHEANCE)
    world = World(Turn(dossier, POLICY, BEGINNING, Phase.IN_FORCE))
    world.live()
    return world


CAPTURE = st.tuples(
    st.just("capture"),
    st.integers(0, 2),
    st.sampled_from(["fee", "fee", "fee", "odd", "usd"]),
)
MONEY_BACK = st.tuples(
    st.sampled_from(["refund", "contest"]),
    st.integers(0, 5),
    st.sampled_from([1, 500, 18500, 19000]),
)
NETWORK = st.tuples(st.just("deliver"), st.integers(0, 5), st.booleans())
TIME = st.tuples(st.just("wait"), st.integers(0, 2), st.sampled_from([1, 20, 42, 60]))
OTHER = st.tuples(st.sampled_from(["carry out", "close"]), st.just(0), st.just(0))
STEPS = st.lists(
    st.one_of(CAPTURE, CAPTURE, NETWORK, NETWORK, MONEY_BACK, TIME, OTHER),
    min_size=1,
    max_size=16,
)
"""A capture, a message that comes, late, twice or never; money back; time; an end."""


def step(world: World, what: str, which: int, how: object) -> None:
    match what:
        case "capture":
            assert how in ("fee", "odd", "usd")
            world.capture(which, how)
        case "deliver":
            world.deliver(which, twice=bool(how))
        case "refund" | "contest" if world.charges:
            charge = world.charges[which % len(world.charges)]
            if what == "contest":
                world.contest(charge)
            else:
                world.give_back(charge, int(str(how)))
        case "wait":
            world.turn.now += timedelta(days=int(str(how)))
            world.live()
        case "carry out":
            world.carry_out_orders()
        case "close" if world.turn.dossier.ending is None:
            ending = Ending(EndReason.CANCELLED, world.turn.today)
            world.turn.dossier = replace(world.turn.dossier, ending=ending)
            world.live()


@settings(
    max_examples=SEQUENCES,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(STEPS)
def test_every_cent_is_somewhere_and_nowhere_twice(
    steps: list[tuple[str, int, object]],
) -> None:
    world = a_world()
    for what, which, how in steps:
        step(world, what, which, how)
        world.check()
    world.deliver_everything()
    world.check()
    assert all(charge.is_told for charge in world.charges)
    assert not world.on_the_way


THE_SAME_MONEY_TWICE = (
    ("capture", 0, "fee"),
    ("deliver", 0, False),
    ("capture", 0, "fee"),
    ("deliver", 0, True),
)
"""A double payment, told under two names: judged twice, and given back once."""


def test_a_refund_named_after_its_telling_would_be_found_as_money_given_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = money._give_back

    def wrong(turn: Turn, fact: InvoicePaid, *others: object) -> None:
        right(turn, fact, *others)  # type: ignore[arg-type]  # passed on as they came
        order = turn.refunds.pop()
        turn.refunds.append(order.model_copy(update={"key": f"{fact.fact_id}/whole"}))

    world = a_world()
    for what, which, how in THE_SAME_MONEY_TWICE:
        step(world, what, which, how)
    world.check()
    assert [order.key for order in world.orders] == ["pay-1/whole"]

    monkeypatch.setattr(money, "_give_back", wrong)
    world = a_world()
    for what, which, how in THE_SAME_MONEY_TWICE:
        step(world, what, which, how)
    with pytest.raises(AssertionError, match="more ordered back than was taken"):
        world.check()
