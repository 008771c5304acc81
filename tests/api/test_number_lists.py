"""Lists of numbers checked for an agency: line by line, safe in a spreadsheet."""

import csv
import io
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from api.access import Role
from api.v1.number_lists import COLUMNS, LONGEST_LIST
from tests.api.doors import Doors
from tests.api.register import DAYS, NOBODY, SEALED, an_open_register, numbered, plant
from tests.dossiers import HOLDER, a_holder, a_newcomer

SEED = 20261126


@pytest.fixture
async def register(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    async with an_open_register(database_url, tmp_path) as doors:
        await plant(doors, a_holder(doors.today + 30 * DAYS))
        yield doors


async def checked(doors: Doors, body: bytes | str, **said: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else body.encode()
    headers = {"Content-Type": "text/csv", **said}
    return await doors.ask(
        "POST", "/api/v1/verification", "agency", content=content, headers=headers
    )


def rows_of(answer: httpx2.Response, delimiter: str = ",") -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = list(reader)
    assert reader.fieldnames == list(COLUMNS)
    return rows


async def test_each_line_is_answered_in_its_order_with_its_error(
    register: Doors,
) -> None:
    listed = f"{HOLDER}\n\ncar-2024 0000 0001\nCAR2024\n{NOBODY}\nCAR2O2400000001\n"
    rows = rows_of(await checked(register, listed))
    assert [(row["line"], row["status"], row["error_code"]) for row in rows] == [
        ("1", "valid", ""),
        ("3", "valid", ""),
        ("4", "", "number_too_short"),
        ("5", "unknown", ""),
        ("6", "", "number_lookalike"),
    ]
    assert rows[1]["written"] == "car-2024 0000 0001"
    assert rows[1]["number"] == HOLDER
    assert rows[1]["last_valid_day"] == str(register.today + 29 * DAYS)
    assert rows[1]["as_of"].endswith("+00:00")
    assert rows[2]["error"].startswith("Ce numéro est trop court")
    for secret in SEALED:
        assert all(secret not in cell for row in rows for cell in row.values())


@pytest.mark.parametrize(
    ("wished", "said"), [("en", "This number is too short"), ("fr", "trop court")]
)
async def test_errors_are_said_in_the_callers_language(
    register: Doors, wished: str, said: str
) -> None:
    answer = await checked(register, "CAR2024\n", **{"Accept-Language": wished})
    assert said in rows_of(answer)[0]["error"]


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "cp1252")],
)
async def test_a_spreadsheets_file_is_read_and_answered_in_kind(
    register: Doors, delimiter: str, encoding: str
) -> None:
    lines = (("Numéro", "Prénom"), (HOLDER, "Zoé"), (f'"{NOBODY}"', "Marc"))
    text = "\r\n".join(delimiter.join(cells) for cells in lines)
    answer = await checked(register, text.encode(encoding))
    rows = rows_of(answer, delimiter)
    assert [row["status"] for row in rows] == ["valid", "unknown"]
    assert [row["line"] for row in rows] == ["2", "3"]
    marked = encoding in {"utf-8-sig", "utf-16"}
    assert answer.content.startswith(b"\xef\xbb\xbf") == marked
    assert "Zoé" not in answer.content.decode()


FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "＝1+1", "\u200b=1")


async def test_what_was_written_is_never_a_formula_of_the_answer(
    register: Doors,
) -> None:
    listed = "".join(f'"{written}"\n' for written in FORMULAS)
    rows = rows_of(await checked(register, listed))
    assert len(rows) == len(FORMULAS)
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
        assert row["written"].startswith("'")
        assert row["error_code"].startswith("number_")


async def test_a_line_of_any_length_is_cut_in_the_answer(register: Doors) -> None:
    (row,) = rows_of(await checked(register, "9" * 100_000))
    assert row["error_code"] == "number_too_long"
    assert len(row["written"]) <= 60


@pytest.mark.parametrize(
    ("count", "code"), [(LONGEST_LIST, 200), (LONGEST_LIST + 1, 422)]
)
async def test_five_hundred_lines_and_not_one_more(
    register: Doors, count: int, code: int
) -> None:
    listed = "numero\n" + "".join(f"{numbered(n)}\n" for n in range(count))
    answer = await checked(register, listed)
    assert answer.status_code == code
    if code == 200:
        statuses = [row["status"] for row in rows_of(answer)]
        assert len(statuses) == LONGEST_LIST
        assert statuses.count("valid") == 1
    else:
        assert answer.json()["code"] == "too_many_lines"
        assert "500" in answer.json()["detail"]


async def test_an_empty_list_has_an_empty_answer(register: Doors) -> None:
    for body in (b"", b"\n \n", b"numero\n", "Numéro;Nom\n".encode()):
        answer = await checked(register, body)
        assert len(answer.content.splitlines()) == 1


@pytest.mark.parametrize(
    "role", [None, *(role for role in Role if role != Role.AGENCY)]
)
async def test_only_an_agency_may_have_a_list_checked(
    register: Doors, role: str | None
) -> None:
    answer = await register.ask("POST", "/api/v1/verification", role, content=b"x")
    assert answer.status_code == (401 if role is None else 403)


async def test_an_agency_that_sends_lists_without_end_is_told_to_wait(
    register: Doors,
) -> None:
    most = register.parts.settings.verification_lists_per_minute
    asked = 2 * most + 2  # in whichever two minutes
    answers = [await checked(register, NOBODY) for _ in range(asked)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 2
    assert all(answer.headers["retry-after"].isdecimal() for answer in refused)
    assert answers[0].status_code == 200


async def test_of_ten_thousand_random_numbers_only_the_planted_are_found(
    database_url: str, tmp_path: Path
) -> None:
    drawn = random.Random(SEED)
    numbers = [numbered(n) for n in drawn.sample(range(10**8), 10_000)]
    planted, hidden = set(drawn.sample(numbers, 25)), set(numbers[:5])
    often = {"ECHEANCE_VERIFICATION_LISTS_PER_MINUTE": "1000"}
    async with an_open_register(database_url, tmp_path, **often) as doors:
        for order, number in enumerate(sorted(planted)):
            dossier = a_holder(doors.today + (order - 10) * DAYS, number=number)
            await plant(doors, dossier, person=f"Personne {order}")
        for number in hidden - planted:
            await doors.office.place(replace(a_newcomer(), number=number))
        found: dict[str, str] = {}
        for first in range(0, len(numbers), LONGEST_LIST):
            part = numbers[first : first + LONGEST_LIST]
            rows = rows_of(await checked(doors, "\n".join(part)))
            assert [row["number"] for row in rows] == part
            found |= {
                row["number"]: row["status"]
                for row in rows
                if row["status"] != "unknown"
            }
    assert set(found) == planted, SEED
    assert set(found.values()) == {"valid", "expired"}
