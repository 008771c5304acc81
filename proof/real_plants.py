"""Bugs planted in the real effects and in the story, for the layer that runs them."""

from collections.abc import Callable
from typing import Any

from activities.letters import Letters
from letters.answers import Reply
from proof import plants
from proof.plants import Patch
from workflows.messages import Posted

REAL_PLANTS: dict[str, tuple[Callable[[], list[Patch]], int]] = {
    # Of the model layer's, those that break what both layers share.
    name: (plants.PLANTS[name], seed)
    for name, seed in (
        ("days_are_24_hours_long", 1405),
        ("every_past_reminder_is_sent", 1793),
        ("a_reversal_is_ignored", 1793),
        ("a_link_lives_on_its_last_day", 1736),
        ("an_expiry_is_silent", 367),
        ("a_refused_letter_tells_nobody", 2555),
    )
}
"""Each bug, and the seed of a life that shows it, begun in 2029 or later."""


def plant(seed: int) -> Callable[[Callable[[], list[Patch]]], None]:
    """List a planted bug under its name, with a life that shows it."""

    def listed(make: Callable[[], list[Patch]]) -> None:
        REAL_PLANTS[make.__name__] = (make, seed)

    return listed


@plant(1889)
def nobody_asks_the_relays_log() -> list[Patch]:
    """A letter in doubt is sent again without a look."""

    async def blind(_: Letters, __: Any) -> bool:
        return False

    return [(Letters, "_relay_has", blind)]


@plant(1046)
def a_deferred_letter_is_given_up() -> list[Patch]:
    """A 4xx ends the letter."""
    right = Letters._answer  # noqa: SLF001

    def wrong(self: Letters, outcome: Any, attempts: int) -> Posted:
        if outcome.state is Reply.DEFERRED:
            return Posted.SKIPPED
        return right(self, outcome, attempts)

    return [(Letters, "_answer", wrong)]
