"""The policy in force on a day: every parameter, its source, and whose choice it is."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.access import AnyRole
from api.codes import Code
from api.errors import Refused
from api.parts import TheParts
from api.v1.answers import Parameter, PolicyAnswer
from api.v1.fields import CivilDay
from records.clock import database_now
from rules.civil_time import civil_date
from rules.dossier import Kind
from rules.policy import PolicyError, load_policy, policy_entries

router = APIRouter(prefix="/policy", tags=["policy"])


@router.get("/{kind}")
async def read_policy(
    parts: TheParts,
    _caller: AnyRole,
    kind: Kind,
    on: Annotated[CivilDay | None, Query(description="Today, if not given.")] = None,
) -> PolicyAnswer:
    """Show the rules in force for a kind of certificate."""
    if on is None:
        async with parts.sessions() as session:
            on = civil_date(await database_now(session))
    try:
        entries = policy_entries(kind, on)
        version = load_policy(kind, on).version
    except PolicyError:
        raise Refused(Code.NO_POLICY_ON_THAT_DAY) from None
    parameters = tuple(Parameter.model_validate(entry) for entry in entries)
    return PolicyAnswer(kind=kind, on=on, version=version, parameters=parameters)
