"""What an operation costs on each side of a change of the table."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.dossier import Invoice, Kind, Operation
from rules.fees import (
    LAST_KNOWN,
    AdoptedFee,
    FeeFault,
    FeeWarning,
    amount_on,
    faults_of,
    fee_periods,
    holds_until,
    next_indexation,
    replaced_on,
    warnings_of,
    with_adopted,
)
from rules.policy import Fee, Policy, PolicyError
from tests.dossiers import TODAY, a_policy


@pytest.mark.parametrize(
    ("day", "cents", "confirmed"),
    [
        pytest.param(date(2019, 8, 1), 16100, False, id="before it was first read"),
        pytest.param(
            date(2021, 6, 30), 16100, False, id="the day before S2, July 2021"
        ),
        pytest.param(date(2021, 7, 1), 16100, True, id="S2, July 2021"),
        pytest.param(date(2022, 6, 30), 16100, True, id="the last day of that year"),
        pytest.param(date(2022, 7, 1), 16100, False, id="indexed on 1 July, not known"),
        pytest.param(date(2024, 6, 30), 16100, False, id="the day before S2, 2024"),
        pytest.param(date(2024, 7, 1), 18500, True, id="S2, 15 July 2024"),
        pytest.param(date(2025, 6, 30), 18500, True, id="the last confirmed day"),
        pytest.param(date(2025, 7, 1), 18500, False, id="indexed on 1 July 2025"),
        pytest.param(date(2026, 12, 9), 18500, False, id="the wave of December 2026"),
    ],
)
def test_a_renewal_costs_the_amount_of_its_own_day(
    day: date, cents: int, confirmed: bool
) -> None:
    fee = amount_on(day, Operation.RENEWAL, a_policy())
    assert (fee.cents, fee.confirmed) == (cents, confirmed)


@pytest.mark.parametrize(
    ("day", "confirmed"),
    [
        (date(2020, 6, 30), False),
        (date(2020, 7, 1), True),  # S4, January 2021
        (date(2021, 6, 30), True),
        (date(2021, 7, 1), False),
        (date(2026, 11, 24), False),
    ],
)
def test_a_first_certificate_costs_the_last_known_amount_and_it_is_said_so(
    day: date, confirmed: bool
) -> None:
    fee = amount_on(day, Operation.ISSUE, a_policy())
    assert (fee.cents, fee.confirmed) == (18000, confirmed)


@pytest.mark.parametrize("operation", Operation)
def test_no_amount_is_guessed_before_the_first_row(operation: Operation) -> None:
    with pytest.raises(
        PolicyError, match=rf"car\.toml: fees_{operation}: no row for 2019-07-31"
    ):
        amount_on(date(2019, 7, 31), operation, a_policy())
    assert amount_on(date(2019, 8, 1), operation, a_policy()).cents > 0


@given(
    st.dates(date(2019, 8, 1), date(2100, 12, 31)),
    st.sampled_from(Operation),
)
def test_the_fee_of_a_day_is_the_newest_that_has_begun(
    day: date, operation: Operation
) -> None:
    policy = a_policy()
    table = policy.fees_issue if operation is Operation.ISSUE else policy.fees_renewal
    fee = amount_on(day, operation, policy)
    assert (fee.starts_on, fee.cents) in {(row.starts_on, row.cents) for row in table}
    assert fee.starts_on <= day
    assert not [row for row in table if fee.starts_on < row.starts_on <= day]
    # No notice holds beyond the next 1 July.
    assert not fee.confirmed or day < next_indexation(fee.starts_on)


# ------------------------------------------------- amounts adopted ahead of their day

JULY = date(2027, 7, 1)


def an_amount(cents: int = 19000, on: date = JULY, **changes: object) -> AdoptedFee:
    fee = AdoptedFee(Kind.CAR, Operation.RENEWAL, on, cents, "Gazette, 2027-02-20")
    return replace(fee, **changes)  # type: ignore[arg-type] # fields by name


def adopted(*fees: AdoptedFee, day: date = TODAY) -> Policy:
    return with_adopted(a_policy(), fees, day)


@pytest.mark.parametrize(
    ("day", "cents", "confirmed", "source"),
    [
        (date(2027, 6, 30), 18500, False, LAST_KNOWN),
        (date(2027, 7, 1), 19000, True, "Gazette, 2027-02-20"),
        (date(2028, 6, 30), 19000, True, "Gazette, 2027-02-20"),
        (date(2028, 7, 1), 19000, False, LAST_KNOWN),
    ],
)
def test_an_adopted_amount_is_confirmed_until_the_next_indexation(
    day: date, cents: int, confirmed: bool, source: str
) -> None:
    fee = amount_on(day, Operation.RENEWAL, adopted(an_amount()))
    assert (fee.cents, fee.confirmed, fee.source) == (cents, confirmed, source)


def test_an_adopted_amount_leaves_the_other_operation_and_the_other_days() -> None:
    before, after = a_policy(), adopted(an_amount())
    assert after.fees_issue == before.fees_issue
    assert set(before.fees_renewal) < set(after.fees_renewal)
    assert replace(after, fees_renewal=before.fees_renewal) == before


def test_on_the_same_day_the_adopted_amount_holds_over_the_file() -> None:
    july = Fee(JULY, 18900, confirmed=True, source="the file")
    policy = replace(a_policy(), fees_renewal=(*a_policy().fees_renewal, july))
    later = with_adopted(policy, [an_amount()], TODAY)
    assert amount_on(JULY, Operation.RENEWAL, later).cents == 19000


@pytest.mark.parametrize(
    ("day", "version"),
    [(date(2027, 6, 30), "CAR-2025-07-01"), (JULY, "CAR-2027-07-01")],
)
def test_the_version_grows_on_the_day_of_an_adopted_amount(
    day: date, version: str
) -> None:
    assert adopted(an_amount(), day=day).version == version


@pytest.mark.parametrize(
    ("fee", "faults"),
    [
        pytest.param(an_amount(), (), id="the year's amount ahead of its day"),
        pytest.param(an_amount(on=date(2026, 11, 25)), (), id="tomorrow"),
        pytest.param(
            an_amount(on=date(2026, 11, 24)), (FeeFault.IN_THE_PAST,), id="today"
        ),
        pytest.param(
            an_amount(on=date(2029, 7, 1)), (FeeFault.TOO_FAR,), id="in three years"
        ),
        pytest.param(an_amount(9250), (), id="half of it"),
        pytest.param(an_amount(9249), (FeeFault.ABSURD,), id="less than half"),
        pytest.param(an_amount(37000), (), id="twice as much"),
        pytest.param(an_amount(37001), (FeeFault.ABSURD,), id="more than twice"),
        pytest.param(an_amount(0), (FeeFault.ABSURD,), id="nothing"),
    ],
)
def test_an_amount_that_cannot_be_meant_is_not_adopted(
    fee: AdoptedFee, faults: tuple[FeeFault, ...]
) -> None:
    assert faults_of(fee, a_policy(), TODAY) == faults


def test_two_amounts_of_one_day_overlap() -> None:
    policy = adopted(an_amount())
    assert faults_of(an_amount(19100), policy, TODAY) == (FeeFault.OVERLAPS,)
    other = an_amount(18500, operation=Operation.ISSUE)
    assert faults_of(other, policy, TODAY) == ()


@pytest.mark.parametrize(
    ("fee", "warnings"),
    [
        pytest.param(an_amount(), (), id="nothing strange"),
        pytest.param(
            an_amount(on=date(2027, 7, 2)), (FeeWarning.NOT_ON_1_JULY,), id="2 July"
        ),
        pytest.param(an_amount(19050), (FeeWarning.NOT_WHOLE_DOLLARS,), id="50 cents"),
        pytest.param(an_amount(18400), (FeeWarning.UNUSUAL_CHANGE,), id="less"),
        pytest.param(an_amount(20400), (FeeWarning.UNUSUAL_CHANGE,), id="over 10 %"),
        pytest.param(an_amount(20300), (), id="under 10 %"),
    ],
)
def test_what_looks_wrong_is_shown_and_not_refused(
    fee: AdoptedFee, warnings: tuple[FeeWarning, ...]
) -> None:
    assert warnings_of(fee, a_policy()) == warnings
    assert faults_of(fee, a_policy(), TODAY) == ()


@pytest.mark.parametrize(
    ("on", "cents", "above"),
    [
        # Two indexations of at most 3 % since 2024-07-01: 190.55 $, then 196.27 $.
        (date(2026, 12, 31), 19600, False),
        (date(2026, 12, 31), 19700, True),
        (date(2027, 1, 1), 19700, False),  # I-7.1 s. 1 reaches to 31 December 2026
    ],
)
def test_more_than_three_percent_a_year_is_a_warning_until_the_end_of_2026(
    on: date, cents: int, above: bool
) -> None:
    warnings = warnings_of(an_amount(cents, on), a_policy())
    assert (FeeWarning.ABOVE_THE_CAP in warnings) is above


# --------------------------------------------------------- what an invoice has to bear


def an_invoice(asked_on: date, cents: int | None) -> Invoice:
    return Invoice(
        "i-1", Operation.RENEWAL, asked_on, date(2027, 12, 10), asked_cents=cents
    )


@pytest.mark.parametrize(
    ("invoice", "day"),
    [
        (an_invoice(date(2027, 6, 30), 18500), JULY),
        (an_invoice(JULY, 19000), None),
        (an_invoice(date(2028, 8, 1), 19000), None),
        (an_invoice(date(2027, 7, 10), 18500), date(2027, 7, 10)),
        (an_invoice(date(2027, 6, 30), None), None),
    ],
    ids=["crosses", "asked that day", "after", "the table was mended", "no amount"],
)
def test_an_invoice_is_replaced_on_the_day_its_amount_no_longer_holds(
    invoice: Invoice, day: date | None
) -> None:
    assert replaced_on(invoice, adopted(an_amount())) == day


def test_no_invoice_is_replaced_while_the_next_amount_is_not_known() -> None:
    assert replaced_on(an_invoice(TODAY, 18500), a_policy()) is None
    assert holds_until(TODAY, Operation.RENEWAL, a_policy()) is None
    assert holds_until(TODAY, Operation.RENEWAL, adopted(an_amount())) == JULY


@given(
    st.lists(
        st.tuples(
            st.dates(date(2026, 12, 1), date(2035, 12, 31)), st.integers(1, 99999)
        ),
        max_size=6,
    )
)
def test_the_periods_of_a_fee_follow_each_other_without_a_hole(
    rows: list[tuple[date, int]],
) -> None:
    policy = adopted(*(an_amount(cents, on) for on, cents in rows))
    periods = fee_periods(Operation.RENEWAL, policy)
    assert [p.until for p in periods] == [*(p.starts_on for p in periods[1:]), None]
    for period in periods:
        last = (period.until or date(2040, 1, 1)) - timedelta(days=1)
        for day in (period.starts_on, last):
            fee = amount_on(day, Operation.RENEWAL, policy)
            assert (fee.cents, fee.confirmed) == (period.cents, period.confirmed)
