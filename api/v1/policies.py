"""The policy in force on a day: every parameter, its source, and whose choice it is."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from api.access import AnyRole
from api.codes import Code
from api.errors import Refused
from api.parts import TheParts
from api.v1.answers import Parameter, PolicyAnswer
from api.v1.fields import CivilDay
from records.clock import database_now
from records.fees import policy_in_force
from rules.civil_time import civil_date
from rules.dossier import Kind
from rules.policy import Fee, PolicyEntry, PolicyError, policy_entries

router = APIRouter(prefix="/policy", tags=["policy"])


@router.get("/{kind}")
async def read_policy(
    parts: TheParts,
    _caller: AnyRole,
    kind: Kind,
    on: Annotated[CivilDay | None, Query(description="Today, if not given.")] = None,
) -> PolicyAnswer:
    """Show the rules in force for a kind of certificate."""
    async with parts.sessions() as session:
        if on is None:
            on = civil_date(await database_now(session))
        try:
            entries = policy_entries(kind, on)
            policy = await policy_in_force(session, kind, on)
        except PolicyError:
            raise Refused(Code.NO_POLICY_ON_THAT_DAY) from None
    laid = {"fees_issue": policy.fees_issue, "fees_renewal": policy.fees_renewal}
    parameters = tuple(
        Parameter.model_validate(_with_fees(entry, laid.get(entry.name)))
        for entry in entries
    )
    return PolicyAnswer(kind=kind, on=on, version=policy.version, parameters=parameters)


def _with_fees(entry: PolicyEntry, fees: tuple[Fee, ...] | None) -> PolicyEntry:
    """Show a table of fees with what was adopted at the desk, in the file's words."""
    if fees is None:
        return entry
    rows = [
        {
            "from": fee.starts_on,
            "cents": fee.cents,
            "confirmed": fee.confirmed,
            "source": fee.source,
        }
        for fee in fees
    ]
    return replace(entry, value=rows)
