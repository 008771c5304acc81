"""The story that brings in a file of certificates: one activity, begun again if cut."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

IMPORT_IS_SILENT_FOR = timedelta(seconds=60)
"""After such a silence an import is taken for dead, and goes on elsewhere."""


@activity.defn
async def bring_in(import_id: str) -> int:
    """Bring in a file to its end; activities.importing does it under the same name."""
    raise NotImplementedError


@workflow.defn
class ImportWorkflow:
    """One file. How far it is stands in the records, which alone decide."""

    @workflow.run
    async def run(self, import_id: str) -> int:
        """Bring the file in, however often the worker dies; answer how many lines."""
        return await workflow.execute_activity(
            bring_in,
            import_id,
            start_to_close_timeout=timedelta(hours=6),
            heartbeat_timeout=IMPORT_IS_SILENT_FOR,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=1),
                maximum_interval=timedelta(minutes=1),
            ),
            summary="bring in a file of certificates",
        )
