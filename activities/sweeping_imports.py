"""Files that somebody said yes to: brought in to the end, whoever died in between."""

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.sayings import Found
from intake.importing.writing import begin_import
from records.database import Sessions
from records.imports import imports_not_ended
from workflows.upkeep import Check, Mend


async def carry_imports_on(sessions: Sessions, client: Client, found: Found) -> int:
    """Start what nobody brings in; answer how many files are under way."""
    async with sessions() as session:
        under_way = await imports_not_ended(session)
    for import_id in under_way:
        about = import_id[:12]
        try:
            await begin_import(client, import_id)
        except WorkflowAlreadyStartedError:
            continue
        except (RPCError, RuntimeError, TimeoutError):
            found(Check.IMPORTS, about, "import_waits", Mend.FOR_A_PERSON)
        else:
            found(Check.IMPORTS, about, "import_goes_on", Mend.REPAIRED)
    return len(under_way)
