"""What an operation costs on each side of a change of the table."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.dossier import Operation
from rules.fees import amount_on
from rules.policy import PolicyError
from tests.dossiers import a_policy


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
    assert fee in table
    assert fee.starts_on <= day
    assert not [row for row in table if fee.starts_on < row.starts_on <= day]
