"""What a letter costs to compose, text and HTML, over every notice."""

import time
from collections.abc import AsyncIterator

from letters.compose import compose
from letters.wording import LANGUAGES
from tests.letters.examples import every_letter

ROUNDS = 5
Rows = AsyncIterator[tuple[str, str, str]]


async def composing() -> Rows:
    """Compose each example in both languages, up to the bytes; processor time only."""
    letters = [
        (facts, language) for facts in every_letter().values() for language in LANGUAGES
    ]
    spent = []
    sizes = [0]
    for _ in range(ROUNDS + 1):
        begun = time.process_time()
        sizes = [
            len(
                compose(
                    facts,
                    language=language,
                    sender="avis@echeance.example",
                    recipient="nadia@courriel.example",
                    message_id="<benchmark@echeance.example>",
                ).as_bytes()
            )
            for facts, language in letters
        ]
        spent.append((time.process_time() - begun) / len(letters) * 1000)
    first, *usual = spent
    over = f"{len(letters)} letters, {ROUNDS} rounds"
    yield f"CPU to compose a letter ({over})", f"{_spread(usual)} ms", "5 ms"
    yield "the same, templates still to be read", f"{first:.1f} ms", ""
    yield "largest letter on the wire", f"{max(sizes) / 1000:.0f} kB", "100 kB"


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{ordered[len(times) // 2]:.1f} ({ordered[0]:.1f} to {ordered[-1]:.1f})"
