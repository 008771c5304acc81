"""What an error says, in both languages."""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.language import Language
from letters import wording


@dataclass(frozen=True, slots=True)
class Wording:
    """What a code says; {braces} are filled with what the refusal knows.

    What follows a colon says how a fact is worded: {last_day:weekday_date}.
    """

    status: int
    fr: str
    en: str

    def said_in(self, language: Language, about: Mapping[str, object]) -> str:
        """Say it in *language*; a detail that was not given leaves its place empty."""
        sentence = self.fr if language == "fr" else self.en
        return _Facts(language).vformat(sentence, (), about)


_WORDINGS: Mapping[str, Callable[[Any, Language], str]] = {
    "weekday_date": wording.weekday_date,
}


class _Facts(string.Formatter):
    def __init__(self, language: Language) -> None:
        self._language = language

    def get_value(
        self,
        key: int | str,
        args: Sequence[Any],  # noqa: ARG002 # sentences name what they say
        kwargs: Mapping[str, Any],
    ) -> Any:
        return kwargs.get(str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return "?"
        worded = _WORDINGS.get(format_spec)
        return worded(value, self._language) if worded else str(value)
