"""The certificate as a part of a page: what its file says, and nothing else."""

from itertools import chain

import pytest

from api.pages.rendering import _templates
from documents.certificate import certificate_texts
from documents.wording import Language
from tests.api.reading import Read
from tests.documents.certificates import a_certificate


def part(language: Language, **changes: object) -> Read:
    facts = a_certificate(language=language, **changes)
    module = _templates().get_template("certificate.html").make_module()
    page = Read()
    said = module.certificate(certificate_texts(facts), facts.address)  # type: ignore[attr-defined] # a macro of the template
    page.feed(str(said))
    page.close()
    assert page.open_tags == []
    return page


@pytest.mark.parametrize(
    ("language", "sections"), [("fr", ["fr-CA"]), ("en", ["fr-CA", "en-CA"])]
)
def test_it_says_all_that_the_file_says_in_the_same_languages(
    language: Language, sections: list[str]
) -> None:
    page = part(language, edition=2, trial=True)
    assert [tag["lang"] for tag in page.attributes["section"]] == sections
    facts = a_certificate(language=language, edition=2, trial=True)
    for text, said in zip(certificate_texts(facts), page.texts["section"], strict=True):
        alone = (text.title, text.check_title, text.check, text.signed, text.trial)
        for words in (*alone, text.joined, *text.head, *chain(*text.rows)):
            assert words is None or words in said
        assert facts.address in said
    assert {tag["href"] for tag in page.attributes["a"]} == {facts.address}


def test_a_name_is_text_there_too() -> None:
    name = "<b>Zoé</b> & {{ 7 * 7 }}"
    page = part("fr", holder_name=name)
    assert name in page.texts["section"][0]
    assert "b" not in page.attributes
