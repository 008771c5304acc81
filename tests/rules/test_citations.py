"""Whatever the law cites can be found in docs/sources.md, with the same date."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from rules import reasons
from rules.dossier import Kind
from rules.policy import Fee, PolicyEntry, load_policy, policy_entries
from rules.reasons import OUR_POLICY, Citation
from tests.dossiers import TODAY

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = (CHECKOUT / "docs" / "sources.md").read_text(encoding="utf-8")
WORDED = tomllib.loads(
    (CHECKOUT / "letters" / "sources.toml").read_text(encoding="utf-8")
)
CITATIONS = {
    name: value for name, value in vars(reasons).items() if isinstance(value, Citation)
}
MODULES = sorted((CHECKOUT / "rules").glob("*.py"))


def rows(title: str) -> list[dict[str, str]]:
    """Read the table under a heading of the document."""
    (part,) = re.findall(
        rf"^## {title}$(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    lines = [line for line in part.splitlines() if line.startswith("|")]
    head, _, *body = [[cell.strip() for cell in x.strip("|").split("|")] for x in lines]
    return [dict(zip(head, cells, strict=True)) for cells in body]


LAWS = rows("Law")
PAGES = [*rows(r"Pages of the Office \(OPC\)"), *rows("Other public pages")]
NOT_LAW = rows("Not law")
KEYS = [row["Key"] for row in (*LAWS, *PAGES)]


def dated(row: dict[str, str]) -> date:
    """Name the day of the version; where it bears none, the day of reading."""
    text = row["Read on"] if row["Version"] == "–" else row["Version"]
    return date.fromisoformat(text)


def test_each_key_of_the_document_names_one_source() -> None:
    assert len(KEYS) == len(set(KEYS))
    assert "S1" in KEYS
    assert "L1" in KEYS


@pytest.mark.parametrize("name", CITATIONS)
def test_each_citation_is_in_the_document_with_its_text_section_and_date(
    name: str,
) -> None:
    citation = CITATIONS[name]
    if citation == OUR_POLICY:
        assert [(citation.text, citation.section)] == [
            (row["Text"], row["Section"])
            for row in NOT_LAW
            if row["Text"] == citation.text
        ]
        return
    found = [row for row in LAWS if row["Section"] == citation.section]
    found = [row for row in found if row["Text"] == citation.text]
    found += [row for row in PAGES if row["Key"] == citation.section]
    assert [(row["Text"], dated(row)) for row in found] == [
        (citation.text, citation.read_on)
    ]


@pytest.mark.parametrize("name", CITATIONS)
def test_each_citation_is_worded_for_letters_with_the_year_of_its_page(
    name: str,
) -> None:
    citation = CITATIONS[name]
    assert set(WORDED[citation.text]) == {"fr", "en"}
    if citation.section in KEYS:
        for words in WORDED[citation.text].values():
            assert words.endswith(f" {citation.read_on.year}")


def is_known(source: str) -> bool:
    """Answer whether a source of a table is a key, a section of a law, or no law."""
    laws = {f"{row['Text']} {row['Section']}" for row in LAWS}
    return source in {*KEYS, *laws, *(row["Text"] for row in NOT_LAW)}


ENTRIES = policy_entries(Kind.CAR, TODAY)
FEES = load_policy(Kind.CAR, TODAY)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry.name))
def test_each_parameter_of_the_policy_names_sources_of_the_document(
    entry: PolicyEntry,
) -> None:
    for source in entry.source.split(", "):
        assert is_known(source), source


@pytest.mark.parametrize(
    "fee", [*FEES.fees_issue, *FEES.fees_renewal], ids=lambda fee: f"{fee.starts_on}"
)
def test_each_confirmed_fee_names_the_page_on_which_it_was_read(fee: Fee) -> None:
    page, _, when = fee.source.partition(", ")
    if fee.confirmed:
        assert is_known(page)
        assert re.fullmatch(r"(\d+ )?[A-Z][a-z]+ \d{4}", when)
    else:
        assert is_known(page) or page == "last known"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.name))
def test_each_source_cited_in_the_text_of_a_rule_is_in_the_document(
    module: Path,
) -> None:
    text = re.sub(r"\s+(# )?", " ", module.read_text(encoding="utf-8"))
    laws = {(row["Text"], row["Section"]) for row in LAWS}
    for law, section in re.findall(
        r"([A-Z]-\d[\d.]*|C\.p\.c\.) (s\. \d+(?:\.\d+)*(?:\(\d+\))?)", text
    ):
        assert (law, section) in laws
    pages = {row["Text"]: dated(row) for row in PAGES}
    for page, read_on in re.findall(
        r"\((OPC, [^(),;\d]+)(?:, (\d{4}-\d\d-\d\d))?[);]", text
    ):
        assert page in pages
        assert not read_on or date.fromisoformat(read_on) == pages[page]


def test_the_rules_do_cite_in_their_text() -> None:
    text = "".join(module.read_text(encoding="utf-8") for module in MODULES)
    assert text.count("(OPC, ") > 10
    assert text.count("P-40.1 s. 269") > 5
