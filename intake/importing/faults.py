"""What can be wrong with a file or with one of its lines, in both languages."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from letters.layout import french_spacing
from letters.wording import Language


class FileFault(StrEnum):
    """Why nothing of a file is read."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_LINES = "too_many_lines"
    ENCODING = "encoding"
    SEPARATOR = "separator"
    QUOTES = "quotes"
    UNKNOWN_COLUMN = "unknown_column"
    TWICE_A_COLUMN = "twice_a_column"
    LACKS_A_COLUMN = "lacks_a_column"


class LineFault(StrEnum):
    """Why a line is refused."""

    CELLS = "cells"
    MISSING = "missing"
    FORMULA = "formula"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    BAD_NUMBER = "bad_number"
    BAD_EMAIL = "bad_email"
    BAD_LANGUAGE = "bad_language"
    BAD_DATE = "bad_date"
    AMBIGUOUS_DATE = "ambiguous_date"
    BAD_PERMIT = "bad_permit"
    LINKS_APART = "links_apart"
    LINK_BACKWARDS = "link_backwards"
    EXAM_AHEAD = "exam_ahead"
    EXAM_AFTER_START = "exam_after_start"
    STARTS_AHEAD = "starts_ahead"
    BEFORE_THE_REGIME = "before_the_regime"
    TERM_BACKWARDS = "term_backwards"
    TERM_TOO_LONG = "term_too_long"
    NUMBER_TWICE = "number_twice"
    PERSON_TWICE = "person_twice"
    UNKNOWN_PERMIT = "unknown_permit"
    NUMBER_TAKEN = "number_taken"
    HOLDS_ANOTHER = "holds_another"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a line; *column* and *detail* are as they were written."""

    code: LineFault
    column: str = ""
    detail: str = ""


class FileRefused(ValueError):  # noqa: N818 - named as the person is told
    """Nothing of this file is read; *detail* is the part at fault."""

    def __init__(self, code: FileFault, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def file_refusal(refused: FileRefused, language: Language) -> str:
    """Say why nothing of a file is read."""
    return _said(f"file.{refused.code}", language, {"detail": refused.detail})


def line_refusal(faults: Iterable[Fault], language: Language) -> str:
    """Say why a line is refused, one sentence a fault."""
    return " ".join(
        _said(
            f"line.{fault.code}",
            language,
            {"column": fault.column, "detail": fault.detail},
        )
        for fault in faults
    )


def said(key: str, language: Language, **facts: object) -> str:
    """Say a sentence of the report; raises KeyError without it."""
    return _said(f"report.{key}", language, facts)


def _said(key: str, language: Language, facts: Mapping[str, object]) -> str:
    text = sentences()[key][language].format(**facts)
    return french_spacing(text) if language == "fr" else text


@cache
def sentences() -> Mapping[str, Mapping[Language, str]]:
    """Read the catalogue: "section.key" to language to sentence."""
    read = tomllib.loads(
        Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
    )
    return {
        f"{section}.{key}": sentence
        for section, keys in read.items()
        for key, sentence in keys.items()
    }
