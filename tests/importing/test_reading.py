"""A file is read as it was written, or not at all."""

import pytest

from intake.importing import reading
from intake.importing.faults import (
    FileFault,
    FileRefused,
    LineFault,
    file_refusal,
    sentences,
)
from intake.importing.reading import MOST_BYTES, Column, read_sheet
from letters.wording import LANGUAGES
from tests.importing.sheets import HEADINGS, a_file, a_line, a_sheet


@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["bare", "marked"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_file_of_a_spreadsheet_is_read(separator: str, mark: bytes, end: str) -> None:
    sheet = read_sheet(mark + a_file(a_line(), separator=separator, end=end))
    (line,) = sheet.lines
    assert line.at == 2
    assert sheet.cells_of(line)[Column.NAME] == "Zoé Côté 1"


def test_headings_are_read_without_case_accents_or_apostrophes() -> None:
    written = (
        *("Numéro", "NOM", "Courriel", "Langue", "Réussite examen", "Début"),
        *("Valide jusqu’au", "Permis", "Lié depuis", "Lié jusqu'au"),
    )
    english = (
        *("Number", "Name", "Email", "Language", "Exam passed", "Start"),
        *("Valid until", "Permits", "Linked since", "Linked until"),
    )
    for headings in (written, english):
        sheet = read_sheet(a_file(a_line(), headings=headings))
        assert sheet.columns == tuple(Column)


def test_columns_may_stand_in_any_order_and_three_may_be_lacking() -> None:
    kept = [place for place in range(10) if place not in {3, 8, 9}][::-1]
    line = a_line()
    file = a_file([line[p] for p in kept], headings=[HEADINGS[p] for p in kept])
    sheet = read_sheet(file)
    assert sheet.cells_of(sheet.lines[0])[Column.NUMBER] == line[0]


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (b"", FileFault.EMPTY, ""),
        (b" \r\n\r\n", FileFault.EMPTY, ""),
        (a_file(a_line()).decode().encode("utf-16"), FileFault.ENCODING, "1"),
        (a_file(a_line()).decode().encode("cp1252"), FileFault.ENCODING, "2"),
        (a_file(a_line(nom="Zoé\0")), FileFault.ENCODING, "2"),
        (b"numero\r\nCAR", FileFault.SEPARATOR, ""),
        (b"numero;nom,courriel\r\n", FileFault.SEPARATOR, ""),
        (a_file(a_line(nom='"Zoé')), FileFault.QUOTES, "2"),
        (a_file(headings=(*HEADINGS, "nas")), FileFault.UNKNOWN_COLUMN, "nas"),
        (a_file(headings=(*HEADINGS, "name")), FileFault.TWICE_A_COLUMN, "nom"),
        (
            a_file(headings=HEADINGS[1:5]),
            FileFault.LACKS_A_COLUMN,
            "debut, numero, permis, valide_jusqu_au",
        ),
        (b"x" * (MOST_BYTES + 1), FileFault.TOO_LARGE, "10"),
    ],
    ids=lambda value: value if isinstance(value, FileFault) else "",
)
def test_a_file_that_is_not_certain_is_refused_as_a_whole(
    body: bytes, code: FileFault, detail: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        read_sheet(body)
    assert (refused.value.code, refused.value.detail) == (code, detail)
    for language in LANGUAGES:
        assert detail in file_refusal(refused.value, language)


def test_more_lines_than_may_be_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_LINES", 2)
    read_sheet(a_file(a_line(1), a_line(2)))
    with pytest.raises(FileRefused, match="too_many_lines"):
        read_sheet(a_file(a_line(1), a_line(2), a_line(3)))


def test_an_old_file_of_windows_is_read_when_that_is_said() -> None:
    body = a_file(a_line(nom="Zoé L’Œuvre")).decode().encode("cp1252")
    sheet = read_sheet(body, "cp1252")
    assert sheet.cells_of(sheet.lines[0])[Column.NAME] == "Zoé L’Œuvre"
    assert sheet.import_id == a_sheet(a_line(nom="Zoé L’Œuvre")).import_id


def test_refused_lines_become_a_file_that_can_be_given_again() -> None:
    sheet = a_sheet(a_line(1), a_line(2, nom="=1+1"), [*a_line(3), "one too many"])
    file = sheet.refused_file({3: "une raison; deux", 4: "trop"})
    again = read_sheet(file)
    assert again.headings[-1] == "refus"
    assert [line.cells[0] for line in again.lines] == [a_line(n)[0] for n in (2, 3)]
    assert again.cells_of(again.lines[0])[Column.NAME] == "'=1+1"
    assert again.lines[1].cells[-1] == "one too many"
    mended = file.replace(b"'=1+1", b"Zo\xc3\xa9")
    assert read_sheet(mended).cells_of(read_sheet(mended).lines[0])[Column.NAME] == (
        "Zoé"
    )


def test_every_fault_has_its_words_in_both_languages() -> None:
    known = sentences()
    assert {f"file.{code}" for code in FileFault} <= set(known)
    assert {f"line.{code}" for code in LineFault} <= set(known)
    for key, said in known.items():
        assert set(said) == set(LANGUAGES), key
