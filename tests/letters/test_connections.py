"""Connections kept open: no letter is lost, doubled or deferred because of one."""

import asyncio
import logging

import pytest

from letters.answers import Reply
from letters.connections import Connections
from tests.letters import relay as scripted
from tests.letters.handing import (
    RECIPIENT,
    SENDER,
    a_letter,
    connections_to,
    hand_over,
    reached,
)
from tests.letters.relay import Script, ScriptedRelay, a_script


async def several(to: Connections, letters: int) -> list[Reply]:
    """Hand over one letter after the other."""
    return [(await hand_over(to)).state for _ in range(letters)]


async def test_letters_in_turn_share_a_connection_cleared_between_them() -> None:
    async with ScriptedRelay() as relay, connections_to(reached(relay)) as to:
        assert await several(to, 3) == [Reply.ACCEPTED] * 3
    assert [taken.connection for taken in relay.taken] == [1, 1, 1]
    verbs = [line.partition(" ")[0] for line in relay.commands]
    a_letter_after_the_first = ["RSET", "MAIL", "RCPT", "DATA"]
    assert verbs == [
        *("EHLO", "MAIL", "RCPT", "DATA"),
        *a_letter_after_the_first * 2,
        "QUIT",
    ]


async def test_nothing_is_opened_before_the_first_letter() -> None:
    async with ScriptedRelay() as relay, connections_to(reached(relay)):
        pass
    assert relay.connections == 0


async def test_letters_at_once_share_no_more_connections_than_allowed() -> None:
    async with (
        ScriptedRelay() as relay,
        connections_to(reached(relay, connections=3)) as to,
    ):
        outcomes = await asyncio.gather(*(hand_over(to) for _ in range(30)))
    assert {outcome.state for outcome in outcomes} == {Reply.ACCEPTED}
    assert len(relay.taken) == 30
    assert relay.connections == 3


@pytest.mark.parametrize("step", ["mail", "rcpt", "dot"])
@pytest.mark.parametrize("answer", ["450 4.2.0 later", "550 5.1.1 nobody"])
async def test_a_letter_turned_down_costs_the_next_ones_no_connection(
    step: str, answer: str
) -> None:
    scripts = [Script(), a_script(step, answer), Script()]
    async with ScriptedRelay(scripts) as relay, connections_to(reached(relay)) as to:
        first, second, third = await several(to, 3)
    assert (first, third) == (Reply.ACCEPTED, Reply.ACCEPTED)
    assert second is (Reply.DEFERRED if answer[0] == "4" else Reply.REFUSED)
    assert relay.connections == 1
    assert len(relay.taken) == 2


async def test_a_connection_the_relay_closed_meanwhile_costs_no_letter() -> None:
    async with ScriptedRelay() as relay, connections_to(reached(relay)) as to:
        assert await several(to, 1) == [Reply.ACCEPTED]
        await relay.listener.hang_up()
        assert await several(to, 1) == [Reply.ACCEPTED]
    assert [taken.connection for taken in relay.taken] == [1, 2]


@pytest.mark.parametrize(
    "rset",
    [scripted.DROP, scripted.GARBAGE, "421 4.4.2 idle too long", "502 not here"],
)
async def test_a_connection_that_cannot_be_cleared_costs_no_letter(rset: str) -> None:
    scripts = [Script(rset=rset), Script()]
    async with ScriptedRelay(scripts) as relay, connections_to(reached(relay)) as to:
        assert await several(to, 2) == [Reply.ACCEPTED] * 2
    assert [taken.connection for taken in relay.taken] == [1, 2]


@pytest.mark.parametrize("mail", [scripted.DROP, "421 4.7.0 enough on this connection"])
async def test_a_connection_that_ends_at_the_next_mail_costs_no_letter(
    mail: str,
) -> None:
    scripts = [Script(), Script(mail=mail), Script()]
    async with ScriptedRelay(scripts) as relay, connections_to(reached(relay)) as to:
        assert await several(to, 2) == [Reply.ACCEPTED] * 2
    assert [taken.connection for taken in relay.taken] == [1, 2]


@pytest.mark.parametrize("mail", [scripted.DROP, "421 4.7.0 not now"])
async def test_a_fresh_connection_that_ends_at_mail_is_not_opened_again_at_once(
    mail: str,
) -> None:
    async with ScriptedRelay([Script(mail=mail)]) as relay:
        outcome = await hand_over(reached(relay))
    assert outcome.state is Reply.DEFERRED
    assert relay.connections == 1


async def test_many_dead_connections_cost_no_letter() -> None:
    async with ScriptedRelay() as relay, connections_to(reached(relay)) as to:
        await asyncio.gather(*(hand_over(to) for _ in range(4)))
        assert relay.connections == 4
        await relay.listener.hang_up()
        assert await several(to, 1) == [Reply.ACCEPTED]
    assert relay.connections == 5


@pytest.mark.parametrize(
    "ends",
    [
        Script(rcpt=scripted.GARBAGE),
        Script(data="250 strange"),
        Script(dot=scripted.GARBAGE),
        Script(dot=scripted.DROP),
        Script(rcpt=scripted.HANG),
        Script(rcpt="421 4.3.2 closing"),
        Script(dot="354 strange"),
    ],
    ids=lambda script: f"{script.rcpt}-{script.data}-{script.dot}",
)
async def test_after_any_doubt_a_fresh_connection_is_taken(ends: Script) -> None:
    scripts = [Script(), ends, Script()]
    async with ScriptedRelay(scripts) as relay, connections_to(reached(relay)) as to:
        await several(to, 2)
        assert await several(to, 1) == [Reply.ACCEPTED]
    assert relay.taken[-1].connection == 2


async def test_a_connection_is_closed_after_so_many_letters() -> None:
    async with (
        ScriptedRelay() as relay,
        connections_to(reached(relay, letters_each=2)) as to,
    ):
        await several(to, 5)
    assert [taken.connection for taken in relay.taken] == [1, 1, 2, 2, 3]
    assert relay.commands.count("QUIT") == 3


async def test_a_connection_without_letters_is_closed() -> None:
    async with (
        ScriptedRelay() as relay,
        connections_to(reached(relay, kept_seconds=0.02)) as to,
    ):
        await several(to, 1)
        await relay.listener.left_alone()
        assert relay.commands[-1] == "QUIT"
        assert await several(to, 1) == [Reply.ACCEPTED]


async def test_a_relay_that_does_not_say_goodbye_holds_nobody_up() -> None:
    async with ScriptedRelay([Script(dot="421 4.3.2 closing")]) as relay:
        async with connections_to(reached(relay)) as to:
            await several(to, 1)
        await relay.listener.left_alone()


async def test_a_relay_that_went_away_and_came_back_takes_the_same_letter() -> None:
    async with ScriptedRelay() as relay:
        port = relay.port
        connections = Connections(reached(relay))
        await hand_over(connections)
    assert await several(connections, 3) == [Reply.DEFERRED] * 3
    async with ScriptedRelay(port=port) as relay:
        assert await several(connections, 2) == [Reply.ACCEPTED] * 2
        await connections.close()
    assert relay.connections == 1


async def test_a_letter_given_up_leaves_the_connection_to_nobody() -> None:
    scripts = [Script(), Script(rcpt=scripted.HANG), Script()]
    async with (
        ScriptedRelay(scripts) as relay,
        connections_to(reached(relay, command_timeout=60.0)) as to,
    ):
        await several(to, 1)
        given_up = await to.hand_over(
            a_letter(), sender=SENDER, recipient=RECIPIENT, limit=0.1
        )
        assert given_up.state is Reply.DEFERRED
        assert await several(to, 1) == [Reply.ACCEPTED]
    assert [taken.connection for taken in relay.taken] == [1, 2]


async def test_the_operator_is_told_once_of_a_relay_that_turns_us_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = Script(greet="554 5.7.1 blocked, see nadia@courriel.example")
    caplog.set_level(logging.INFO)
    async with (
        ScriptedRelay([away, away, Script()]) as relay,
        connections_to(reached(relay)) as to,
    ):
        await several(to, 4)
    assert [record.getMessage() for record in caplog.records] == [
        "the relay does not take our letters: it turns us away (554)",
        "the relay takes our letters again",
    ]
