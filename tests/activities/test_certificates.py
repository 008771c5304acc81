"""Only one can win: one home a result, one live certificate a person."""

import asyncio
from datetime import date

from sqlalchemy import func, select

from activities.certificates import Certificates
from records.models import Certificate, ExamResult
from rules.dossier import Kind
from rules.numbers import DossierNumber
from tests.activities.office import Office, run
from tests.dossiers import HOLDER, NEWCOMER, RIVAL, TODAY, a_holder, a_newcomer
from workflows.messages import (
    CertificateAnswer,
    CertificateClaim,
    CertificateQuestion,
    ResultMove,
)


def _claim(number: DossierNumber, start: date = TODAY) -> CertificateClaim:
    return CertificateClaim(
        dossier=number,
        kind=Kind.CAR,
        start=start,
        echeance=date(start.year + 2, start.month, start.day),
    )


async def _certify(office: Office, number: DossierNumber, status: str) -> None:
    person = await office.holder_of(number)
    await office.add(
        Certificate(
            number=number,
            kind="CAR",
            person_id=person.person_id,
            status=status,
            start=date(2024, 12, 10),
            echeance=date(2026, 12, 10),
        )
    )


async def test_a_certificate_claimed_twice_is_issued_once(office: Office) -> None:
    await office.place(a_newcomer())
    effects = Certificates(office.sessions)
    assert await run(effects.claim_certificate, _claim(NEWCOMER)) is True
    assert await run(effects.claim_certificate, _claim(NEWCOMER)) is True
    (issued,) = await office.rows(Certificate)
    assert (issued.number, issued.status, issued.start) == (NEWCOMER, "in_force", TODAY)


async def test_a_claim_repeated_with_a_corrected_first_day_is_still_one(
    office: Office,
) -> None:
    await office.place(a_newcomer())
    effects = Certificates(office.sessions)
    await run(effects.claim_certificate, _claim(NEWCOMER))
    corrected = date(2026, 11, 20)
    assert await run(effects.claim_certificate, _claim(NEWCOMER, corrected)) is True
    (issued,) = await office.rows(Certificate)
    assert issued.start == corrected


async def test_a_person_with_a_live_certificate_gets_no_second_one(
    office: Office,
) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer())
    await _certify(office, HOLDER, "suspended")
    effects = Certificates(office.sessions)
    assert await run(effects.claim_certificate, _claim(NEWCOMER)) is False
    assert [c.number for c in await office.rows(Certificate)] == [HOLDER]


async def test_an_expired_certificate_does_not_stand_in_the_way(office: Office) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer())
    await _certify(office, HOLDER, "expired")
    effects = Certificates(office.sessions)
    assert await run(effects.claim_certificate, _claim(NEWCOMER)) is True


async def test_of_two_claims_of_one_person_at_once_exactly_one_wins(
    office: Office,
) -> None:
    await office.place(a_newcomer())
    await office.place(a_newcomer(number=RIVAL))
    effects = Certificates(office.sessions)
    won = await asyncio.gather(
        *(
            run(effects.claim_certificate, _claim(number))
            for number in (NEWCOMER, RIVAL)
        )
    )
    assert sorted(won) == [False, True]
    assert len(await office.rows(Certificate)) == 1


async def _with_result(office: Office) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer())
    await office.place(a_newcomer(number=RIVAL), person="Ana Cruz")
    await office.add(
        ExamResult(result_id="exam-1", passed_on=date(2022, 11, 20), home=HOLDER)
    )


def _move(to: DossierNumber) -> ResultMove:
    return ResultMove(result_id="exam-1", from_dossier=HOLDER, to_dossier=to)


async def test_a_result_moved_twice_to_the_same_dossier_is_there(
    office: Office,
) -> None:
    await _with_result(office)
    effects = Certificates(office.sessions)
    assert await run(effects.move_result, _move(NEWCOMER)) is True
    assert await run(effects.move_result, _move(NEWCOMER)) is True
    assert (await office.one(ExamResult, "exam-1")).home == NEWCOMER


async def test_of_many_dossiers_that_ask_at_once_one_gets_the_result(
    office: Office,
) -> None:
    await _with_result(office)
    effects = Certificates(office.sessions)
    asking = [NEWCOMER, RIVAL] * 4
    answers = await asyncio.gather(
        *(run(effects.move_result, _move(number)) for number in asking)
    )
    home = (await office.one(ExamResult, "exam-1")).home
    assert home in {NEWCOMER, RIVAL}
    assert {n for n, won in zip(asking, answers, strict=True) if won} == {home}
    assert answers.count(True) == 4


async def test_of_two_parallel_moves_exactly_one_is_true(office: Office) -> None:
    await _with_result(office)
    effects = Certificates(office.sessions)
    answers = await asyncio.gather(
        run(effects.move_result, _move(NEWCOMER)),
        run(effects.move_result, _move(RIVAL)),
    )
    assert sorted(answers) == [False, True]


async def test_a_result_that_nobody_knows_is_not_moved(office: Office) -> None:
    await office.place(a_newcomer())
    effects = Certificates(office.sessions)
    assert await run(effects.move_result, _move(NEWCOMER)) is False
    async with office.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ExamResult)) == 0


async def test_the_person_behind_two_numbers_is_compared(office: Office) -> None:
    await _with_result(office)
    await _certify(office, HOLDER, "expired")
    effects = Certificates(office.sessions)

    async def whose(
        asked_by: DossierNumber, certificate: DossierNumber
    ) -> CertificateAnswer:
        question = CertificateQuestion(asked_by=asked_by, certificate=certificate)
        return await run(effects.whose_certificate, question)

    assert await whose(NEWCOMER, HOLDER) is CertificateAnswer.SAME_PERSON
    assert await whose(RIVAL, HOLDER) is CertificateAnswer.OTHER_PERSON
    assert await whose(RIVAL, NEWCOMER) is CertificateAnswer.UNKNOWN
    nobodys = DossierNumber("CAR202600009999")
    assert await whose(NEWCOMER, nobodys) is CertificateAnswer.UNKNOWN
