"""An officer gives money back, from the task that leaves it to a person."""

from dataclasses import replace
from html import unescape
from urllib.parse import quote

import httpx2

from payments.simulator import Manner
from records.models import Letter, TaskRow, WrittenText
from records.money import RefundRow
from tests.api.doors import Doors
from tests.api.knocking import Visitor
from tests.api.reading import read
from tests.api.test_money_sweep import a_try, swept, the_simulator

ODD = 12_345
WHY = "La personne a payé au guichet."


async def a_wrong_amount(doors: Doors) -> tuple[str, str, str]:
    """Capture another amount than the fee: dossier, session, and the task it opens."""
    number, begun = await a_try(doors)
    simulator = the_simulator(doors)
    order = await simulator.order_of(begun["session_id"])
    assert order is not None
    odd = replace(order, session_id="ps_of_an_odd_amount", amount_cents=ODD)
    await simulator.create_session(odd)
    await simulator.approve(odd.session_id, Manner.NEVER)
    await swept(doors, daily=True)
    await doors.heard(number)
    tasks = await doors.office.rows(TaskRow)
    (task,) = [task.task_id for task in tasks if task.reason == "wrong_amount"]
    return number, odd.session_id, task


async def followed(officer: Visitor, answer: httpx2.Response) -> httpx2.Response:
    """Go as far as the page that shows the answers of a form, or their faults."""
    led_to = answer.headers.get("location", "")
    return await officer.ask("GET", led_to) if "?etape=" in led_to else answer


async def gone_back(doors: Doors, session_id: str) -> int:
    theirs = await the_simulator(doors).fetch(session_id)
    assert theirs is not None
    assert theirs.payment is not None
    return theirs.payment.refunded_cents


async def test_an_officer_gives_back_what_counts_for_nothing_once_and_with_a_reason(
    doors: Doors,
) -> None:
    number, session_id, task = await a_wrong_amount(doors)
    officer = Visitor(doors, "decider")
    page = f"/fr/bureau/remboursement/{quote(task)}"
    shown = await officer.ask("GET", f"/fr/bureau/tache/{quote(task)}")
    read(shown, "fr")
    assert f'href="{page}"' in shown.text
    read(await officer.ask("GET", page), "fr")
    read(await officer.ask("GET", page.replace("/fr/", "/en/")), "en")

    async def sent(step: str, amount: str, why: str = WHY) -> tuple[int, str]:
        form = {"step": step, "key": "k" * 32, "montant": amount, "texte": why}
        answer = await followed(officer, await officer.ask("POST", page, form))
        return answer.status_code, unescape(answer.text).replace("\u00a0", " ")

    assert (await sent("check", "123,45", why=" "))[0] == 422
    for amount in ("rien", "0", "-5"):
        status, said = await sent("check", amount)
        assert (status, "plus grand que zéro" in said) == (422, True)
    status, said = await sent("check", "123,46")
    assert (status, "123,45 $ à rendre" in said) == (422, True)
    status, said = await sent("check", "123,45")
    assert (status, WHY in said, "123,45 $" in said) == (200, True, True)
    assert await doors.office.rows(RefundRow) == []
    assert (await sent("send", "123,45"))[0] == 303
    assert (await sent("send", "123,45"))[0] == 303  # the button pressed twice

    await swept(doors)
    await doors.heard(number)
    await swept(doors)
    assert await gone_back(doors, session_id) == ODD
    (refund,) = await doors.office.rows(RefundRow)
    assert (refund.state, refund.ordered_by) == ("done", "staff:denis")
    assert refund.text_id is not None
    assert (await doors.office.one(WrittenText, refund.text_id)).text == WHY
    assert (await doors.office.one(TaskRow, task)).closed_at is not None
    notices = [letter.notice for letter in await doors.office.rows(Letter)]
    assert notices.count("refund_due") == 1
    tasks = [row.reason for row in await doors.office.rows(TaskRow)]
    assert "refund_not_ordered" not in tasks


async def test_two_orders_never_promise_more_than_was_captured(doors: Doors) -> None:
    _, session_id, task = await a_wrong_amount(doors)
    page = f"/fr/bureau/remboursement/{quote(task)}"

    async def sent(who: str, amount: str) -> int:
        form = {
            "step": "send",
            "key": who.replace(" ", "") + "0" * 8,
            "montant": amount,
            "texte": WHY,
        }
        officer = Visitor(doors, who)
        return (
            await followed(officer, await officer.ask("POST", page, form))
        ).status_code

    assert await sent("decider", "100,00") == 303
    assert await sent("officer", "100,00") == 422
    assert await sent("officer", "23,45") == 303
    await swept(doors)
    assert await gone_back(doors, session_id) == ODD
