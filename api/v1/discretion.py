"""What a person is not shown of their own dossier: the Office's tasks.

The reason of a task may say whose a certificate is, or whether it exists at all; the
person hears the same words in every case.
"""

from dataclasses import replace

from api.access import Caller, Role
from api.v1.answers import AgendaAnswer, StateAnswer
from rules.agenda import Act

LINES_OF_THE_OFFICE = frozenset(
    {
        *("task_opened", "task_settled", "task_overdue"),
        *("task_taken", "task_given_back", "task_given", "task_decided"),
    }
)


def lines_withheld_from(caller: Caller) -> frozenset[str]:
    """Name the kinds of lines of a timeline that *caller* is not shown."""
    return frozenset() if caller.role is Role.OFFICER else LINES_OF_THE_OFFICE


def state_for(caller: Caller, state: StateAnswer) -> StateAnswer:
    """Show a dossier; that it waits for the Office is said, why is not."""
    if caller.role is Role.OFFICER:
        return state
    return state.model_copy(update={"dossier": replace(state.dossier, tasks=())})


def agenda_for(caller: Caller, agenda: AgendaAnswer) -> AgendaAnswer:
    """Show what happens next, without the Office's own reminders."""
    if caller.role is Role.OFFICER:
        return agenda
    duties = tuple(duty for duty in agenda.duties if duty.act != Act.ESCALATE)
    return agenda.model_copy(update={"duties": duties})
