"""What a sweep says of each thing it found: a code for pages, a sentence for terminals.

The pages word the same codes in both languages (api/pages/words_of_sweeps.toml).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from workflows.upkeep import Check, Disagreement, Mend

SAYINGS: Mapping[str, str] = {
    "told_again": "told again",
    "still_not_told": "still not told",
    "namespace_lost": "{count} open dossiers without a running workflow",
    "started_again": "started again",
    "cannot_be_started": "cannot be started",
    "no_answer": "no answer: {why}",
    "stray": "its workflow runs, and no open dossier bears this number",
    "opened_twice": "open beside another dossier of the same person and kind",
    "story_behind": "the workflow was at version {story}, the row is at {row}: begun "
    "again from the database",
    "row_behind": "the row was at version {row}, the workflow is at {story}: written "
    "anew from the workflow",
    "differs": "the workflow is at version {story}, the row at {row}",
    "many_differ": "{count} workflows and rows are at different versions",
    "shown_otherwise": "the workflow is {story}, the row was {row}: written anew",
    "worker_silent": "none of {count} stories answers",
    "duty_not_done": "a duty of {at} is not done",
    "handing_over": "being handed over since {at}",
    "withdrawn_too_late": "withdrawn while in doubt: the relay's log has it",
    "withdrawn_in_time": "withdrawn while in doubt: the relay's log does not have it",
    "withdrawn_in_doubt": "withdrawn while in doubt: no log says whether it left",
    "log_silent": "does not answer: {count} letters were not compared",
    "unknown_to_log": "{state} here, unknown to the relay's log",
    "known_to_log": "{state} here, but the relay's log has it",
    "unmoved": "{state}, unmoved since {at}",
    "nobody_told": "{state} without a task for anybody",
    "never_ordered": "{notice} of {at} was never ordered",
    "provider_silent": "no answer: {why}",
    "captured_when_asked": "captured, and told only when asked",
    "will_not_refund": "the provider will not give it back: {why}",
    "refund_waits": "ordered back since {at}",
    "not_at_provider": "paid here, not at the provider",
    "other_amount": "the provider captured another amount",
    "capture_unknown": "unknown here",
    "refund_unknown": "went back, unknown here",
    "unfinished": "paid, and neither granted nor given to a person",
    "task_still_open": "came in {at}, its task is still open",
    "aside_unread": "set aside {at}, nobody has looked at it",
    "permit_valid": "the register has permit {permit} valid again: it did not know",
    "permit_not_valid": "the register has permit {permit} not valid: it did not know",
    "permit_unknown": "permit {permit} is not in the register any more",
    "out_of_place": "line {position} does not follow the one before",
    "hash_false": "line {position} is not what its hash says",
    "end_gone": "line {position}, exported on an earlier day, is gone or changed",
    "heads_bad": "the exported heads are not ours, or were changed",
    "heads_away": "the folder of exported heads cannot be used: {why}",
    "clocks_apart": "{seconds} s apart",
    "mail_held": "{seconds} s apart: no letter leaves until they agree",
    "stored_ahead": "stored {seconds} s ahead of the database's clock",
    "task_fails": "its workflow task fails again and again: {why}",
    "import_goes_on": "asked for, and nobody brought it in: goes on now",
    "import_waits": "asked for, and cannot be started",
    "fees_told": "told now",
    "fees_not_told": "the stories are not told",
}


class Found(Protocol):
    """How a look tells what it found: *about* is an id, never a name."""

    def __call__(
        self, check: Check, about: str, code: str, mended: Mend, /, **values: object
    ) -> None:
        """Add one finding."""


def finding(
    check: Check, about: str, code: str, mend: Mend, **values: object
) -> Disagreement:
    """Word one finding; KeyError for a code or a value that no sentence has."""
    told = {name: _told(value) for name, value in values.items()}
    return Disagreement(
        check=check,
        about=about,
        what=SAYINGS[code].format(**told),
        mend=mend,
        code=code,
        values=told,
    )


def mend(*, person: bool) -> Mend:
    """Say what became of it."""
    return Mend.FOR_A_PERSON if person else Mend.REPAIRED


def _told(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
