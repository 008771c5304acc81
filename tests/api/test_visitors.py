"""How often the register may be asked: by one address, from two services, by all."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from api.app import create_app
from api.language import Language
from records.visits import Visit
from tests.api.doors import Doors, the_settings
from tests.api.reading import read
from tests.api.register import NOBODY, PATHS, an_open_register


async def test_who_asks_too_often_is_told_when_to_come_back(
    away: Doors, database_url: str, tmp_path: Path
) -> None:
    second = create_app(the_settings(database_url, tmp_path, "127.0.0.1:1"))
    async with second.router.lifespan_context(second):
        apps = [away.app, second]
        asked = [
            _from(apps[turn % 2], "192.0.2.7", f"/api/v1/verification/{NOBODY}")
            for turn in range(70)
        ]
        answers = await asyncio.gather(*asked)
        refused = [a for a in answers if a.status_code == 429]
        # A minute may end meanwhile: then each of the two lets thirty through.
        assert 30 <= sum(a.status_code == 200 for a in answers) <= 60
        assert len(refused) >= 10
        for answer in refused:
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.json()["code"] == "too_many_requests"
            assert answer.headers["retry-after"] in answer.json()["detail"]
        other = await _from(second, "192.0.2.8", f"/api/v1/verification/{NOBODY}")
        assert other.status_code == 200
    async with away.parts.sessions() as session:
        visitors = set(await session.scalars(select(Visit.visitor)))
    assert "192.0.2.7" not in visitors
    assert len(visitors) == 3


async def _from(app: Any, host: str, path: str, **said: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, client=(host, 1))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1"
    ) as http:
        return await http.get(path, **said)


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "recommencez"), ("en", "try again")]
)
async def test_a_person_reads_it_on_a_page_in_their_language(
    away: Doors, language: Language, said: str
) -> None:
    path = f"/{language}/{PATHS[language]}/{NOBODY}"
    assert (await _from(away.app, "2001:db8::1", path)).status_code == 200
    await asked_too_often(away)
    answer = await _from(away.app, "2001:db8::1", path)
    assert answer.status_code == 429
    assert answer.headers["retry-after"].isdecimal()
    assert said in read(answer, language).texts["main"][0]
    # The other addresses of a household are the same visitor; the next house is not.
    for host, code in (("2001:db8::ffff", 429), ("2001:db8:0:1::1", 200)):
        assert (await _from(away.app, host, path)).status_code == code


async def asked_too_often(doors: Doors) -> None:
    """Count very many questions of the only visitor, in this minute and the next."""
    async with doors.parts.sessions.begin() as session:
        row = (await session.scalars(select(Visit).where(Visit.visitor != ""))).one()
        row.count = 10**6
        next_minute = row.minute + timedelta(minutes=1)
        session.add(Visit(minute=next_minute, visitor=row.visitor, count=10**6))


async def test_everybody_together_is_limited_too(
    database_url: str, tmp_path: Path
) -> None:
    limit = {"ECHEANCE_VERIFICATIONS_PER_MINUTE_OF_ALL": "10"}
    async with an_open_register(database_url, tmp_path, **limit) as doors:
        path = f"/api/v1/verification/{NOBODY}"
        answers = [
            await _from(doors.app, f"192.0.2.{host}", path) for host in range(30)
        ]
    assert 10 <= sum(a.status_code == 200 for a in answers) <= 20
