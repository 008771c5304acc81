"""The effect that brings in a file of certificates, on a worker that may die in it."""

from temporalio import activity
from temporalio.client import Client

from activities.crashpoints import crashpoint
from intake.importing.writing import BringingIn
from records.database import Sessions
from records.imports import ImportRow


class Importing:
    """Bringing in, on one database and one Temporal server."""

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions = sessions
        self._client = client

    @activity.defn(name="bring_in")
    async def bring_in(self, import_id: str) -> int:
        """Bring in a file to its end, from where it is; answer how many lines.

        Raises LookupError for one that nobody said yes to: it is tried again, as the
        yes may be about to be kept.
        """
        crashpoint("before_import")
        bringing = BringingIn(self._sessions, self._client, import_id)
        return await bringing.to_the_end(_alive)


def _alive(row: ImportRow) -> None:
    activity.heartbeat(row.written)
    if row.written > row.started:
        crashpoint("after_import")
