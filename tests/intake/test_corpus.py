"""Each message made here is read as its writer meant it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from intake.understanding import understand
from tests.intake.corpus import CASES, CORPUS, About
from tests.intake.messages import HOUSE, Case, Reading


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_is_read_as_its_writer_meant_it(case: Case) -> None:
    assert Reading.of(understand(case.raw, HOUSE)) == case.reading


def test_line_ends_do_not_change_what_is_read() -> None:
    for case in CASES:
        unix = case.raw.replace(b"\r\n", b"\n")
        assert Reading.of(understand(unix, HOUSE)) == case.reading, case.name


def test_the_corpus_holds_each_thing_that_the_office_receives() -> None:
    assert set(CORPUS) == set(About)
    assert all(CORPUS.values())
    assert len(CASES) >= 120


def test_no_message_that_was_written_is_left_out() -> None:
    modules = sorted(Path(__file__).parent.glob("written_*.py"))
    written = [import_module(f"tests.intake.{path.stem}").CASES for path in modules]
    assert sum(map(len, written)) == len(CASES)


def test_every_message_has_its_own_name_and_bytes() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.raw for case in CASES}) == len(CASES)


def test_no_message_bears_the_address_of_a_real_domain() -> None:
    domains = {
        domain.decode().lower()
        for case in CASES
        for domain in re.findall(rb"[\w.+-]@([A-Za-z0-9.-]+\.[A-Za-z]+)", case.raw)
    }
    assert {d for d in domains if not d.endswith(".example")} == set()
