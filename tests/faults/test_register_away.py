"""The register of permits is away, or its words are lost: silence is never a no."""

from urllib.parse import urlsplit

import httpx2
import pytest

from activities.reconciling import reconcile_once
from records.models import Agency, FactRow
from tests.api.doors import PERMIT, Doors
from tests.faults.proxy import Proxy
from workflows.upkeep import Check, Mend


async def a_linked_dossier(doors: Doors) -> str:
    """A newcomer whose agency has confirmed, by the doors alone."""
    number = await doors.a_dossier()
    await doors.an_agency()
    link = await doors.a_link(number)
    since = {"since": str(doors.today)}
    await doors.done(f"/api/v1/links/{link}/confirmation", "agency", since)
    await doors.heard(number)
    return number


async def changes_heard(doors: Doors, number: str) -> list[bool]:
    shown = await doors.heard(number)
    return [change["valid"] for change in shown["dossier"]["permit_changes"]]


async def test_what_the_register_says_over_a_broken_wire_is_heard_once(
    served: Doors,
) -> None:
    """It does not know whether it was heard, and says it again."""
    number = await a_linked_dossier(served)
    assert await changes_heard(served, number) == []
    path = f"/api/v1/permits/{PERMIT}/changes"
    told = {"valid": False, "effective_on": str(served.today)}
    port = urlsplit(str(served.http.base_url)).port
    assert port is not None
    says = {"Authorization": f"Bearer {served.tokens['register']}"}

    async with Proxy(port, swallow_at=b"effective_on") as wire:
        url = f"http://127.0.0.1:{wire.port}"
        async with httpx2.AsyncClient(base_url=url, headers=says) as register:
            with pytest.raises(httpx2.TransportError):
                await register.post(path, json=told)
            assert await changes_heard(served, number) == [False]
            again = await register.post(path, json=told)
    assert again.status_code == 202
    assert wire.faults == 1
    assert await changes_heard(served, number) == [False]
    kinds = [row.kind for row in await served.office.rows(FactRow)]
    assert kinds.count("permit_changed") == 1
    report = await reconcile_once(served.parts.settings)
    assert report.findings == ()


async def test_an_agency_gone_from_our_copy_of_the_register_is_a_persons_matter(
    served: Doors,
) -> None:
    """Nobody concludes from it: no dossier is told that the permit is not valid."""
    number = await a_linked_dossier(served)
    async with served.parts.sessions.begin() as session:
        await session.delete(await session.get_one(Agency, PERMIT))

    report = await reconcile_once(served.parts.settings)

    found = [(each.check, each.about, each.mend) for each in report.findings]
    assert found == [(Check.PERMITS, number, Mend.FOR_A_PERSON)]
    assert await changes_heard(served, number) == []
    await served.an_agency()
    assert (await reconcile_once(served.parts.settings)).findings == ()
