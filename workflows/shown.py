"""What Temporal's own lists and pages show of a story: no name, no reason."""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from rules.civil_time import start_of
    from rules.dossier import Phase
    from rules.transfer import last_day_to_finish
    from workflows.messages import Story

PHASE = SearchAttributeKey.for_keyword("Phase")
DUE = SearchAttributeKey.for_datetime("Due")
KIND = SearchAttributeKey.for_keyword("Kind")
NEEDS_STAFF = SearchAttributeKey.for_bool("NeedsStaff")


def show(story: Story) -> None:
    """Keep the search attributes and details true; no change, no event."""
    ends_on = story.dossier.echeance
    if ends_on is None and story.phase is Phase.TO_FINALIZE and story.dossier.exam:
        ends_on = last_day_to_finish(story.dossier.exam, story.policy)
    shown = workflow.info().typed_search_attributes
    updates: list[SearchAttributeUpdate[Any]] = []
    if shown.get(KIND) is None:
        updates.append(KIND.value_set(story.dossier.kind))
    if shown.get(PHASE) != story.phase:
        updates.append(PHASE.value_set(story.phase))
    if ends_on is not None and shown.get(DUE) != start_of(ends_on):
        updates.append(DUE.value_set(start_of(ends_on)))
    if bool(shown.get(NEEDS_STAFF)) != bool(story.dossier.tasks):
        updates.append(NEEDS_STAFF.value_set(bool(story.dossier.tasks)))
    if updates:
        workflow.upsert_search_attributes(updates)
    workflow.set_current_details(f"{story.phase}, {ends_on or 'no date yet'}")
