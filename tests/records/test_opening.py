"""Persons, agencies and dossiers as they come in."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from records.clock import now_for, set_ahead
from records.database import Sessions
from records.dossiers import restored
from records.models import (
    Agency,
    Certificate,
    DossierRow,
    ExamResult,
    LinkRow,
    Person,
)
from records.opening import (
    add_agency,
    find_or_add_person,
    name_key,
    open_dossier,
    register_holder,
)
from rules.dossier import Dossier, Exam, Kind, Phase, Term
from rules.numbers import DossierNumber, parse_dossier_number
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, TODAY, a_link, noon

_ECHEANCE = date(2026, 12, 10)


async def _marc(sessions: Sessions) -> Person:
    async with sessions.begin() as session:
        person_id = await find_or_add_person(
            session, name="Marc Roy", email="marc@courriel.example", language="fr"
        )
        return await session.get_one(Person, person_id)


async def test_an_opened_dossier_is_empty_and_bears_a_number_of_its_civil_year(
    sessions: Sessions,
) -> None:
    marc = await _marc(sessions)
    last_evening_of_the_year = datetime(2027, 1, 1, 4, 30, tzinfo=UTC)
    async with sessions.begin() as session:
        number = await open_dossier(
            session, person_id=marc.person_id, at=last_evening_of_the_year
        )
    assert re.fullmatch(r"CAR2026\d{8}", number)
    assert parse_dossier_number(number) == number
    async with sessions() as session:
        row = await session.get_one(DossierRow, number)
    assert (row.phase, row.version, row.person_id) == (
        "exam_awaited",
        0,
        marc.person_id,
    )
    assert restored(row.facts) == Dossier(
        number=number, kind=Kind.CAR, opened_on=date(2026, 12, 31)
    )


async def test_a_number_that_is_taken_is_drawn_again(sessions: Sessions) -> None:
    marc = await _marc(sessions)
    drawn = iter(["00000007", "00000007", "00000008"])
    async with sessions.begin() as session:
        first, second = [
            await open_dossier(
                session,
                person_id=marc.person_id,
                at=noon(TODAY),
                draw=lambda: next(drawn),
            )
            for _ in range(2)
        ]
    assert (first, second) == ("CAR202600000007", "CAR202600000008")


async def test_a_person_is_found_again_without_case_or_accents(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        first = await find_or_add_person(
            session, name="Zoé L'Écuyer", email="zoe@courriel.example", language="fr"
        )
    async with sessions.begin() as session:
        again = await find_or_add_person(
            session, name="ZOE  L'ECUYER", email="Zoe@Courriel.example", language="en"
        )
        other = await find_or_add_person(
            session, name="Zoé Roy", email="zoe@courriel.example", language="fr"
        )
    assert again == first
    assert other != first
    async with sessions() as session:
        assert (await session.get_one(Person, first)).language == "fr"


async def test_a_person_added_by_two_doors_at_once_is_one(sessions: Sessions) -> None:
    async def add() -> object:
        async with sessions.begin() as session:
            return await find_or_add_person(
                session, name="Ana Cruz", email="ana@courriel.example", language="en"
            )

    assert len(set(await asyncio.gather(*(add() for _ in range(8))))) == 1


async def test_a_name_and_an_address_do_not_prove_who_signs_in(
    sessions: Sessions,
) -> None:
    marc = await _marc(sessions)
    async with sessions.begin() as session:
        signed_in, again = [
            await find_or_add_person(
                session,
                name=name,
                email=marc.email,
                language="fr",
                sign_in_subject="subject-1",
            )
            for name in (marc.name, "Marc R.")
        ]
    assert signed_in == again
    assert signed_in != marc.person_id


def test_a_name_is_folded_for_searching() -> None:
    assert name_key("  Noël\tŒuvrard-Çelik ") == "noel oeuvrard-celik"


async def test_a_holder_is_registered_as_the_certificate_stands(
    sessions: Sessions,
) -> None:
    marc = await _marc(sessions)
    term = Term(date(2024, 12, 10), _ECHEANCE)
    exam = Exam("exam-1", date(2022, 11, 20), here_since=term.start)
    async with sessions.begin() as session:
        await add_agency(
            session, permit=PERMIT, name="A", email="a@a.example", language="fr"
        )
        await register_holder(
            session,
            person_id=marc.person_id,
            number=HOLDER,
            term=term,
            exam=exam,
            links=[a_link()],
            at=noon(TODAY),
        )
    async with sessions() as session:
        row = await session.get_one(DossierRow, HOLDER)
        certificate = await session.get_one(Certificate, HOLDER)
        result = await session.get_one(ExamResult, "exam-1")
        link = await session.get_one(LinkRow, "link-1")
    assert restored(row.facts).terms == (term,)
    assert (row.phase, row.echeance, row.version) == (Phase.IN_FORCE, _ECHEANCE, 0)
    assert (certificate.status, certificate.echeance) == ("in_force", _ECHEANCE)
    assert (result.home, link.permit) == (HOLDER, PERMIT)


async def _register(
    sessions: Sessions, person: Person, number: DossierNumber, at: datetime
) -> None:
    term = Term(date(2024, 12, 10), _ECHEANCE)
    async with sessions.begin() as session:
        await register_holder(
            session,
            person_id=person.person_id,
            number=number,
            term=term,
            exam=Exam(f"exam-{number}", date(2022, 11, 20), here_since=term.start),
            links=[a_link(link_id=f"link-{number}")],
            at=at,
        )


async def test_a_person_is_never_registered_with_two_live_certificates(
    sessions: Sessions,
) -> None:
    marc = await _marc(sessions)
    await _register(sessions, marc, HOLDER, noon(TODAY))
    with pytest.raises(IntegrityError, match="uq_certificates_one_live"):
        await _register(sessions, marc, NEWCOMER, noon(TODAY))
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(DossierRow)) == 1


async def test_an_expired_certificate_leaves_room_for_a_live_one(
    sessions: Sessions,
) -> None:
    marc = await _marc(sessions)
    await _register(sessions, marc, HOLDER, noon(_ECHEANCE))
    await _register(sessions, marc, NEWCOMER, noon(TODAY))
    async with sessions() as session:
        old = await session.get_one(Certificate, HOLDER)
        new = await session.get_one(Certificate, NEWCOMER)
    assert (old.status, new.status) == ("expired", "in_force")


async def test_an_agency_added_twice_is_corrected(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        for name in ("Boréal", "Boréale"):
            await add_agency(
                session, permit=PERMIT, name=name, email="b@b.example", language="fr"
            )
        agency = await session.get_one(Agency, PERMIT)
        assert (agency.name, agency.permit_valid) == ("Boréale", True)


async def test_a_dossiers_clock_is_the_real_one_until_it_is_moved(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        before = await now_for(session, HOLDER, real_now=noon(TODAY))
        for days in (1, 30):
            await set_ahead(session, HOLDER, timedelta(days=days))
        moved = await now_for(session, HOLDER, real_now=noon(TODAY))
        other = await now_for(session, NEWCOMER, real_now=noon(TODAY))
    assert (before, other) == (noon(TODAY), noon(TODAY))
    assert moved == noon(TODAY) + timedelta(days=30)
