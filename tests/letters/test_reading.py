"""How hard a letter is to read: sentences, and words that are only ours."""

import re

import pytest

from letters.compose import body, subject
from letters.wording import LANGUAGES, Language
from tests.letters.examples import every_letter

LETTERS = every_letter()
ADDRESS = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\w")
# A date is read as one thing, however many words name it.
DATE = re.compile(
    r"(?:\w+di |dimanche )?\d+(?:er)? \w+ \d{4}(?: à 23 h 59 \(heure de Montréal\))?"
    r"|(?:\w+day, )?[A-Z]\w+ \d+, \d{4}(?:, at 11:59 p\.m\. \(Montréal time\))?"
)
MEAN_WORDS = 9
MOST_WORDS = 20
# Words of the code, of the law and of offices, which nobody should need to know.
NOT_OURS = {
    "fr": (
        *("workflow", "temporal", "signal", "phase", "échéance", "statut", "politique"),
        *("notification", "automatisé", "fait générateur", "portail", "usager"),
        *("en cours de traitement", "dûment", "susmentionné", "ladite", "ledit"),
        *("nonobstant", "le cas échéant", "en vertu de", "afin de", "veuillez"),
        *("ultérieurement", "préalablement", "conformément", "par la présente"),
    ),
    "en": (
        *("workflow", "temporal", "signal", "phase", "echeance", "status", "policy"),
        *("notification", "automated", "portal", "user account", "duties"),
        *("being processed", "duly", "aforementioned", "hereby", "herein", "pursuant"),
        *("notwithstanding", "if applicable", "in order to", "please be advised"),
        *("subsequently", "prior to", "in accordance with", "whom it may concern"),
    ),
}

each_letter = pytest.mark.parametrize("name", sorted(LETTERS))
each_language = pytest.mark.parametrize("language", LANGUAGES)


def sentences(text: str) -> list[str]:
    """Split our own words at full stops; an item or a paragraph ends a sentence.

    What is quoted from somebody and the source, which is cited, are left out.
    """
    blocks = re.split(r"\n\n|\n(?=- |\d+\. )|(?<=\?)\n", text.replace("\u00a0", " "))
    ours = [" ".join(b.split()) for b in blocks if not b.startswith(("    ", "Source"))]
    plain = " ¶ ".join(DATE.sub("date", ADDRESS.sub("adresse", b)) for b in ours)
    return re.split(r"(?:[.!?](?= )|¶)\s*", plain)


def words_in(sentence: str) -> int:
    return len(re.findall(r"\w[\w'’-]*", sentence))


def lengths(text: str) -> list[int]:
    return [count for sentence in sentences(text) if (count := words_in(sentence)) > 1]


@each_language
@each_letter
def test_a_letter_is_read_in_short_sentences(name: str, language: Language) -> None:
    counts = lengths(body(LETTERS[name], language))
    assert sum(counts) / len(counts) <= MEAN_WORDS


@each_language
@each_letter
def test_no_sentence_is_longer_than_a_breath(name: str, language: Language) -> None:
    longest = max(sentences(body(LETTERS[name], language)), key=words_in)
    assert words_in(longest) <= MOST_WORDS, longest


@each_language
@each_letter
def test_the_headline_is_one_sentence(name: str, language: Language) -> None:
    headline = body(LETTERS[name], language).split("\n\n")[0]
    text = DATE.sub("date", " ".join(headline.replace("\u00a0", " ").split()))
    assert re.fullmatch(r"(?:[^.!?]|\.\d)+\.", text)


@each_language
@each_letter
def test_no_letter_says_a_word_that_is_only_ours(name: str, language: Language) -> None:
    text = f"{subject(LETTERS[name], language)} {body(LETTERS[name], language)}"
    text = " ".join(ADDRESS.sub("", text).split()).casefold()
    for word in NOT_OURS[language]:
        assert not re.search(rf"\b{word}\b", text), word


def test_the_measure_of_reading_tells_long_sentences_from_short_ones() -> None:
    assert lengths("One two three. Four five.\n\n- Six seven") == [3, 2, 2]
    assert lengths("Un deux?\nTrois quatre : cinq six.") == [2, 4]
    assert lengths("mot " * 50 + ".") == [50]
    assert lengths(
        "Payez au plus tard le mercredi 9 décembre 2026 à 23 h 59 (heure de Montréal)."
    ) == [6]
    assert lengths("Pay by Friday, March 1, 2030, at 11:59 p.m. (Montréal time).") == [
        3
    ]
