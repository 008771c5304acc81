"""What an operation costs on a day, and by which notice."""

from datetime import date

from rules.dossier import Operation
from rules.policy import Fee, Policy, PolicyError


def amount_on(day: date, operation: Operation, policy: Policy) -> Fee:
    """
    Name the fee of *operation* on the civil day of its payment.

    A fee that is not confirmed is the last known one, "indexed on 1 July", and must be
    announced so. Raises PolicyError for a day before the first row: no amount is
    ever guessed.
    """
    fees = policy.fees_issue if operation is Operation.ISSUE else policy.fees_renewal
    begun = [fee for fee in fees if fee.starts_on <= day]
    if not begun:
        table = f"policies/{policy.kind.lower()}.toml: fees_{operation}"
        raise PolicyError(f"{table}: no row for {day}")
    return begun[-1]
