"""The words: both languages say the same, plainly, and say what to do first.

ECHEANCE_WRITE_SNAPSHOTS=1 rewrites tests/letters/snapshots: run it after a change of
words, then read what changed in both languages before keeping it.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import meta

from letters.calendar import NOTICES as CALENDAR_NOTICES
from letters.compose import (
    FOLDER,
    _environment,
    body,
    html,
    known_notices,
    subject,
)
from letters.facts import LetterFacts, Notice
from letters.layout import COLUMNS
from letters.wording import LANGUAGES, Language, deadline, full_date
from tests.letters.examples import an_example, every_letter
from tests.letters.html_reader import Page

SNAPSHOTS = Path(__file__).parent / "snapshots"
LETTERS = every_letter()
ADDRESS = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\w")
NUMBER = re.compile(r"\b(?:CAR\d{12}|F-\d{4}-\d{6}|\d{6})\b")
FRENCH_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Nothing is asked by the first at a date; the limit of the second is past.
NOTHING_DUE = frozenset({Notice.TRANSFER_RECEIVED, Notice.EXAM_LAPSED})
FORMS = {".txt": body, ".html": html}

each_letter = pytest.mark.parametrize("name", sorted(LETTERS))
each_language = pytest.mark.parametrize("language", LANGUAGES)


each_ladder = pytest.mark.parametrize("ladder", ["reminder", "exam_ends"])


def flat(facts: LetterFacts, language: Language) -> str:
    """Give subject and text as one line with plain spaces."""
    text = f"{subject(facts, language)} {body(facts, language)}"
    return " ".join(text.split())


def flat_page(facts: LetterFacts, language: Language) -> str:
    """Give title and HTML as one line with plain spaces."""
    page = Page(html(facts, language))
    return " ".join(f"{page.title} {page.text}".split())


def headline(facts: LetterFacts, language: Language) -> str:
    return " ".join(body(facts, language).split("\n\n")[0].split())


def dates_in(text: str, language: Language) -> Counter[tuple[int, int, int]]:
    if language == "fr":
        months = "|".join(FRENCH_MONTHS)
        found = re.findall(rf"(\d{{1,2}})(?:er)? ({months}) (\d{{4}})", text)
        return Counter((int(y), FRENCH_MONTHS.index(m), int(d)) for d, m, y in found)
    months = "|".join(ENGLISH_MONTHS)
    found = re.findall(rf"({months}) (\d{{1,2}}), (\d{{4}})", text)
    return Counter((int(y), ENGLISH_MONTHS.index(m), int(d)) for m, d, y in found)


def cents_in(text: str, language: Language) -> Counter[int]:
    pattern = r"(\d+),(\d{2}) \$" if language == "fr" else r"\$(\d+)\.(\d{2})"
    return Counter(100 * int(a) + int(b) for a, b in re.findall(pattern, text))


@each_language
@each_letter
@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_letter_reads_as_its_snapshot(
    name: str, language: Language, form: str
) -> None:
    text = FORMS[form](LETTERS[name], language)
    if form == ".txt":
        text = f"{subject(LETTERS[name], language)}\n\n{text}"
    path = SNAPSHOTS / f"{name}.{language}{form}"
    if os.environ.get("ECHEANCE_WRITE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_snapshot_is_left_of_a_letter_that_is_no_more() -> None:
    kept = {path.name for path in SNAPSHOTS.iterdir()}
    assert kept == {
        f"{name}.{language}{form}"
        for name in LETTERS
        for language in LANGUAGES
        for form in FORMS
    }


@each_letter
@pytest.mark.parametrize("said", [flat, flat_page])
def test_both_languages_tell_the_same_facts(
    name: str, said: Callable[[LetterFacts, Language], str]
) -> None:
    french, english = (said(LETTERS[name], language) for language in LANGUAGES)
    assert dates_in(french, "fr") == dates_in(english, "en")
    assert cents_in(french, "fr") == cents_in(english, "en")
    assert Counter(NUMBER.findall(french)) == Counter(NUMBER.findall(english))
    assert Counter(ADDRESS.findall(french)) == Counter(ADDRESS.findall(english))
    assert french.count("23 h 59 (heure de Montréal)") == english.count(
        "11:59 p.m. (Montréal time)"
    )


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*/fr/*.txt")), ids=lambda p: f"{p.parts[-3]}/{p.name}"
)
def test_both_languages_are_written_from_the_same_facts(path: Path) -> None:
    environment = _environment("fr")
    twin = path.parents[1] / "en" / path.name
    french, english = (
        meta.find_undeclared_variables(environment.parse(p.read_text("utf-8")))
        for p in (path, twin)
    )
    assert french == english


@each_letter
def test_both_languages_have_the_same_paragraphs_and_items(name: str) -> None:
    shapes = [
        [
            re.sub(r"(?m)^( *)(- |\d+\. )?.*", r"\1\2", block).split("\n")[0]
            for block in body(LETTERS[name], language).split("\n\n")
        ]
        for language in LANGUAGES
    ]
    assert shapes[0] == shapes[1]


@each_language
@each_letter
def test_a_subject_is_short_and_holds_the_dossier_number(
    name: str, language: Language
) -> None:
    line = subject(LETTERS[name], language)
    assert len(line) <= 110
    assert LETTERS[name].dossier in line


@each_language
@each_letter
def test_no_line_is_wider_than_76_columns_but_for_an_address(
    name: str, language: Language
) -> None:
    for line in body(LETTERS[name], language).splitlines():
        assert len(line) <= COLUMNS or ADDRESS.search(line)


@each_language
@each_letter
def test_the_first_line_says_by_when_with_weekday_hour_and_zone(
    name: str, language: Language
) -> None:
    facts = LETTERS[name]
    limit = facts.renewable_until or facts.act_before
    if facts.notice.startswith("reminder") or facts.notice in CALENDAR_NOTICES:
        limit = facts.last_day()
    if limit is None or facts.notice in NOTHING_DUE:
        return
    worded = deadline(limit, language).replace("\u00a0", " ")
    assert worded in headline(facts, language)


@each_language
@each_ladder
def test_each_step_of_a_ladder_has_a_headline_and_a_subject_of_its_own(
    ladder: str, language: Language
) -> None:
    steps = [an_example(notice) for notice in Notice if notice.startswith(ladder)]
    limits = [step.last_valid_day or step.act_before for step in steps]
    opened = {
        headline(step, language).partition(full_date(limit, language))[0]
        for step, limit in zip(steps, limits, strict=True)
        if limit is not None
    }
    assert len(opened) == len(steps) > 5
    assert len({subject(step, language) for step in steps}) == len(steps)


@each_language
@each_letter
def test_a_letter_says_why_what_follows_where_to_get_help_and_its_source(
    name: str, language: Language
) -> None:
    headings = {
        "fr": ("Pourquoi ce courriel?", "Et ensuite?", "Besoin d'aide?"),
        "en": ("Why this e-mail?", "What happens next?", "Need help?"),
    }[language]
    lines = body(LETTERS[name], language).splitlines()
    for heading in headings:
        assert lines.count(heading) == 1
    why, follows, help_ = map(lines.index, headings)
    assert why < follows < help_
    assert any("aide@echeance.example" in line for line in lines[help_:])
    last = body(LETTERS[name], language).rpartition("\n\n")[2]
    assert last.replace("\u00a0", " ").startswith(("Source : ", "Source: "))


@pytest.mark.parametrize(
    "notice", [Notice.EXPIRED, Notice.CERTIFICATE_ISSUED, Notice.ACCOUNT_DORMANT]
)
def test_one_is_told_to_choose_a_lasting_address_and_to_note_the_user_code(
    notice: Notice,
) -> None:
    french, english = (flat(an_example(notice), language) for language in LANGUAGES)
    assert "adresse" in french
    assert "que vous aurez toujours" in french
    assert "code d'utilisateur" in french
    assert "that you will always have" in english
    assert "note your user code" in english.casefold()


def test_the_steps_after_an_expiry_come_in_the_order_of_the_office() -> None:
    text = flat(an_example(Notice.EXPIRED), "fr")
    steps = (
        *("1. Créez un compte", "2. Choisissez « Je désire", "3. Écrivez à"),
        *("4. Attendez notre courriel", "5. Payez votre facture"),
    )
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


@each_language
@pytest.mark.parametrize(
    "notice", [Notice.CANCELLATION_ASKED, Notice.ADDRESS_CHANGE_ASKED]
)
def test_what_was_only_asked_by_mail_changes_nothing_and_leads_to_the_account(
    notice: Notice, language: Language
) -> None:
    facts = an_example(notice)
    unchanged = {"fr": "rien n'est changé", "en": "nothing is changed"}
    account = {"fr": "dans votre compte", "en": "in your account"}
    assert unchanged[language] in headline(facts, language)
    assert account[language] in headline(facts, language)
    assert str(facts.portal_url) in flat(facts, language)
    own_rule = {"fr": "notre règle", "en": "our rule"}
    assert own_rule[language] in flat(facts, language)


@each_language
def test_only_a_letter_that_bears_the_certificate_speaks_of_a_pdf(
    language: Language,
) -> None:
    speaking = {name for name in LETTERS if "PDF" in flat(LETTERS[name], language)}
    assert speaking == {n for n in LETTERS if LETTERS[n].certificate_attached}


@each_language
@each_letter
def test_no_letter_shows_a_seam(name: str, language: Language) -> None:
    text = flat(LETTERS[name], language)
    for seam in ("None", "{{", "{%", " ,", "..", "::", "()", " . ", "Undefined"):
        assert seam not in text
    assert not re.search(r"[.?!][A-ZÉÀÊ]", ADDRESS.sub("", text))


@each_letter
def test_french_colons_and_guillemets_never_part_from_their_word(name: str) -> None:
    text = body(LETTERS[name], "fr")
    assert not re.search(r"[ \n](:|»|\$)|«[ \n]", text)


@each_language
def test_a_review_by_a_person_discloses_nothing_but_the_dossier(
    language: Language,
) -> None:
    text = flat(an_example(Notice.TRANSFER_UNDER_REVIEW), language)
    numbers = set(NUMBER.findall(text))
    assert numbers == {an_example(Notice.TRANSFER_UNDER_REVIEW).dossier}


def test_the_notices_of_the_policy_all_have_a_letter() -> None:
    table = Path(__file__).parents[2] / "rules" / "policies" / "car.toml"
    named = set(re.findall(r'notice = "(\w+)"', table.read_text(encoding="utf-8")))
    assert named
    assert named <= known_notices()
