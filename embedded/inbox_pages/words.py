"""Every sentence of the inbox, said in one language with its facts."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel.dates import format_time
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from letters.layout import french_spacing
from letters.wording import Language, weekday_date
from rules.civil_time import ZONE

_FILE = Path(__file__).with_name("words.toml")
_LOCALES = {"fr": "fr_CA", "en": "en_CA"}
_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Voice:
    """Says the sentences of the inbox, safe to print in HTML."""

    language: Language

    def __call__(self, key: str, **facts: object) -> Markup:
        """Say the sentence of *key*; raises KeyError without it, or without a fact."""
        sentence = Markup(escape(words()[key][self.language]))  # noqa: S704 - escaped
        return sentence.format(**facts)

    def counted(self, key: str, count: int) -> Markup:
        """Say a sentence about one or about many."""
        one = count == 1 or (count == 0 and self.language == "fr")
        return self(f"{key}_{'one' if one else 'many'}", count=self.number(count))

    def number(self, count: int) -> str:
        """Word a number, its thousands apart."""
        return str(format_decimal(count, locale=_LOCALES[self.language]))

    def size(self, count: int) -> Markup:
        """Word a number of bytes."""
        if count < _THOUSAND:
            return self.counted("size.bytes", count)
        if count < _THOUSAND**2:
            return self("size.thousands", count=self.number(round(count / _THOUSAND)))
        millions = round(count / _THOUSAND**2, 1)
        text = format_decimal(millions, locale=_LOCALES[self.language])
        return self("size.millions", count=text)

    def day(self, at: datetime) -> str:
        """Word the day of an instant in Québec, with its weekday."""
        return weekday_date(at.astimezone(ZONE).date(), self.language)

    def hour(self, at: datetime) -> str:
        """Word the hour of an instant in Québec."""
        local = at.astimezone(ZONE)
        if self.language == "fr":
            return f"{local.hour}\u00a0h\u00a0{local.minute:02d}"
        return format_time(local.time(), "h:mm a", locale="en_CA")

    def instant(self, at: datetime) -> Markup:
        """Word an instant in Québec: its day, then its hour."""
        return self("frame.instant", day=self.day(at), hour=self.hour(at))

    def lately(self, at: datetime, now: datetime) -> str:
        """Word an instant by its hour alone, when it is of today."""
        if at.astimezone(ZONE).date() == now.astimezone(ZONE).date():
            return self.hour(at)
        return self.instant(at)


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Read the catalogue: "section.key" to language to sentence."""
    sections = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": {**said, "fr": french_spacing(said["fr"])}
        for section, sentences in sections.items()
        for key, said in sentences.items()
    }
