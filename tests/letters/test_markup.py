"""The HTML of a letter: the words of its text, nothing fetched, nothing injected."""

import re
from dataclasses import replace

import pytest

from letters.compose import body, html, subject
from letters.facts import LetterFacts, Notice
from letters.wording import LANGUAGES, Language
from tests.letters.examples import an_example, every_letter
from tests.letters.html_reader import Page

LETTERS = every_letter()
MOST_BYTES = 30_000
# Gmail shows no more of a message than this.
CLIPPED_AT = 102_000
# Elements that a mail program shows as they are, and that fetch nothing.
PLAIN_ELEMENTS = frozenset(
    {
        *("html", "head", "meta", "title", "style", "body", "main", "div"),
        *("footer", "h1", "h2", "p", "ul", "ol", "li", "blockquote", "a"),
    }
)
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=https://mal.example/x onerror=alert(1)>',
    "' style='display:none",
    "</p></main><h1>Payez ici</h1>",
    "{{ 7*7 }} {% include 'x' %} {# x #}",
    "=?utf-8?q?=3Cscript=3E?=",
    "https://mal.example/payez et vole@mal.example",
    "\u202egnirts\u202c \u2066x\u2069",
    "a\r\nBcc: vole@mal.example\r\n\r\n- 1. # ---\n---\n# x",
    "- point",
    "1. pas",
    "# titre",
    "---",
    "&lt;b&gt; &amp; <b>",
    "a" * 190,
)

each_letter = pytest.mark.parametrize("name", sorted(LETTERS))
each_language = pytest.mark.parametrize("language", LANGUAGES)


def read(facts: LetterFacts, language: Language) -> Page:
    return Page(html(facts, language))


@each_language
@each_letter
def test_text_and_html_say_the_same_words(name: str, language: Language) -> None:
    facts = LETTERS[name]
    page = read(facts, language)
    assert page.text == " ".join(body(facts, language).split())
    assert page.title == subject(facts, language)


@each_language
@each_letter
def test_the_first_thing_one_sees_is_the_one_headline(
    name: str, language: Language
) -> None:
    page = read(LETTERS[name], language)
    headline = body(LETTERS[name], language).split("\n\n", 1)[0]
    assert page.shape.count("h1") == 1
    assert next(tag for tag in page.shape if tag in {"h1", "h2", "p", "li"}) == "h1"
    assert page.blocks[0].split() == headline.split()


@each_language
@each_letter
def test_the_page_tells_its_language_and_its_two_color_schemes(
    name: str, language: Language
) -> None:
    page = read(LETTERS[name], language)
    told = [lang for _, attributes in page.elements if (lang := attributes.get("lang"))]
    # Webmail keeps the letter without its html element.
    assert told == [f"{language}-CA"] * 2
    metas = {a.get("name"): a.get("content") for t, a in page.elements if t == "meta"}
    assert metas["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in page.html


@each_language
@each_letter
def test_nothing_is_fetched_and_nothing_runs(name: str, language: Language) -> None:
    page = read(LETTERS[name], language)
    assert set(page.shape) <= PLAIN_ELEMENTS
    for _, attributes in page.elements:
        assert not {"src", "srcset", "background", "ping"} & set(attributes)
        assert not any(attribute.startswith("on") for attribute in attributes)
    assert not re.search(r"url\(|@import|@font-face|expression", page.html)


@each_language
@each_letter
def test_text_is_16_px_at_least_and_the_page_grows_to_600_at_most(
    name: str, language: Language
) -> None:
    sizes = re.findall(r"font-size: (\d+)px", html(LETTERS[name], language))
    assert len(sizes) >= 3
    assert min(map(int, sizes)) >= 16
    widths = re.findall(r"(?<!max-)\bwidth: (\d+)px", html(LETTERS[name], language))
    assert not widths
    assert "max-width: 600px" in html(LETTERS[name], language)


@each_language
@each_letter
def test_every_address_of_ours_is_a_link_to_itself(
    name: str, language: Language
) -> None:
    facts = LETTERS[name]
    page = read(facts, language)
    text = page.text
    ours = {
        str(facts.portal_url): str(facts.portal_url),
        str(facts.proof_url): str(facts.proof_url),
        str(facts.intake_address): f"mailto:{facts.intake_address}",
        str(facts.help_address): f"mailto:{facts.help_address}?subject={facts.dossier}",
    }
    assert all(ours[words] == target for target, words in page.links)
    for address in ours:
        assert sum(words == address for _, words in page.links) == text.count(address)


@each_letter
def test_both_languages_have_the_same_elements_and_links(name: str) -> None:
    french, english = (read(LETTERS[name], language) for language in LANGUAGES)
    assert french.shape == english.shape
    assert sorted(french.links) == sorted(english.links)


@each_language
@each_letter
def test_a_letter_is_far_below_what_gmail_clips(name: str, language: Language) -> None:
    assert len(html(LETTERS[name], language).encode()) < MOST_BYTES


def typed(facts: LetterFacts, text: str) -> LetterFacts:
    """Have *text* wherever somebody else's words can come in."""
    return replace(
        facts,
        person_name=text,
        agency_name=text,
        permit_number=text,
        invoice_number=text,
        reason_text=text,
    )


@each_language
@pytest.mark.parametrize("notice", sorted(Notice))
def test_what_somebody_typed_is_read_as_typed_and_never_becomes_an_element_or_a_link(
    notice: Notice, language: Language
) -> None:
    usual = read(typed(an_example(notice), "Luc"), language)
    quotes = usual.shape.count("blockquote")
    for nasty in NASTY:
        facts = typed(an_example(notice), nasty)
        page = read(facts, language)
        more = len([line for line in nasty.splitlines() if line.strip()]) - 1
        assert page.shape.count("p") == usual.shape.count("p") + quotes * more
        assert without_p(page) == without_p(usual)
        assert page.links == usual.links
        assert page.text == " ".join(body(facts, language).split())
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.html)


def without_p(page: Page) -> list[str]:
    return [element for element in page.shape if element != "p"]


@each_language
def test_the_longest_reason_with_the_costliest_letters_is_not_clipped(
    language: Language,
) -> None:
    facts = replace(an_example("intended_refusal"), reason_text="<&\"'" * 2000)
    assert len(html(facts, language).encode()) < CLIPPED_AT


def test_an_address_of_ours_within_somebody_elses_words_leads_to_us_or_nowhere() -> (
    None
):
    ours = "https://echeance.example/fr/dossier"
    facts = replace(
        an_example("link_refused"),
        agency_name=f"{ours}@mal.example",
        reason_text=f"Voir {ours} et aide@echeance.example.",
    )
    page = read(facts, "fr")
    assert {target for target, _ in page.links} == {
        ours,
        f"mailto:aide@echeance.example?subject={facts.dossier}",
    }
