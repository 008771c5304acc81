"""The page of the rules: every parameter of the table, worded, with date and source."""

from collections.abc import AsyncIterator
from datetime import date
from html import unescape

import pytest

from api.pages.desk_policy import cited
from api.pages.words import words
from letters.wording import LANGUAGES, Language, source
from rules.dossier import Kind
from rules.policy import first_days, policy_entries
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.test_desk_pages import signed_in

SHOWN = [
    entry
    for entry in policy_entries(Kind.CAR, date.max)
    if not entry.name.startswith("fees_")
]


@pytest.fixture
async def claire(lobby: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(lobby, "claire")
    yield browser
    await browser.close()


def test_every_rule_of_the_table_is_worded_with_each_of_its_values() -> None:
    assert len(SHOWN) > 20
    for entry in SHOWN:
        known = {f"policy.{part}_{entry.name}" for part in ("rule", "dossiers")}
        assert known <= set(words()), entry.name
        for value in (entry.value, *entry.other_values):
            if isinstance(value, list):
                continue
            if isinstance(value, int) and not isinstance(value, bool):
                assert f"policy.value_{entry.name}" in words(), entry.name
            elif " " not in str(value):
                key = f"policy.value_{entry.name}_{str(value).lower()}"
                assert key in words(), key
        for text in cited(entry.source):
            assert source(text, "fr") != text, text
        assert entry.starts_on in first_days(Kind.CAR, entry.name)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_shows_each_rule_its_value_and_that_it_is_only_read(
    claire: Browser, language: Language
) -> None:
    page = await claire.go(f"/{language}/bureau/regles?le=2026-11-26")
    read(page, language)
    text = unescape(page.text)
    for entry in SHOWN:
        said = words()[f"policy.rule_{entry.name}"][language]
        assert unescape(said) in text, entry.name
    assert ("On ne change rien" if language == "fr" else "Nothing is changed") in text
    assert "90, 60, 30, 14, 7, 1 " in text
    assert ("le jour même" if language == "fr" else "on the day itself") in text
    assert "CAR-2025-07-01" in text
    assert "<form method=post" not in text


async def test_another_day_may_be_asked_for(claire: Browser) -> None:
    earlier = await claire.go("/fr/bureau/regles?le=2022-01-01")
    assert "CAR-2021-07-01" in earlier.text
    before = unescape((await claire.go("/fr/bureau/regles?le=2001-01-01")).text)
    assert "Aucune règle n'est connue" in before
    wrong = await claire.go("/fr/bureau/regles?le=hier")
    assert wrong.status_code == 200
    assert "Écrivez un jour comme" in unescape(wrong.text)
