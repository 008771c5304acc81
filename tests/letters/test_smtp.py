"""Handing over: which side of the final dot decides what may be tried again."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import pytest

from letters.compose import compose
from letters.smtp import Outcome, Relay, Reply, hand_over
from tests.letters import relay as scripted
from tests.letters.examples import an_example
from tests.letters.relay import Script, ScriptedRelay

SENDER = "bounce+abc@echeance.example"
RECIPIENT = "nadia@courriel.example"
MESSAGE_ID = "<abc@echeance.example>"
STEPS_BEFORE_THE_DOT = ("greet", "ehlo", "mail", "rcpt", "data")
STEPS_ABOUT_THE_LETTER = ("mail", "rcpt", "data", "dot")


def a_letter() -> EmailMessage:
    return compose(
        an_example("reminder_7"),
        language="fr",
        sender="avis@echeance.example",
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
        return_path=SENDER,
    )


def a_huge_letter() -> EmailMessage:
    """Too much for the buffers of a loopback socket to swallow unread."""
    letter = a_letter()
    letter.add_attachment(
        bytes(16_000_000), maintype="application", subtype="octet-stream"
    )
    return letter


def reached(relay: ScriptedRelay) -> Relay:
    return Relay("127.0.0.1", relay.port, command_timeout=0.5, data_timeout=0.5)


def a_script(step: str, what: str) -> Script:
    """Go well but for one step."""
    steps = dict.fromkeys((*STEPS_BEFORE_THE_DOT, "dot"), scripted.OK)
    steps[step] = what
    return Script(
        greet=steps["greet"],
        ehlo=steps["ehlo"],
        mail=steps["mail"],
        rcpt=steps["rcpt"],
        data=steps["data"],
        dot=steps["dot"],
    )


async def handed_to(
    script: Script, letter: EmailMessage | None = None
) -> tuple[Outcome, ScriptedRelay]:
    async with ScriptedRelay([script]) as relay:
        outcome = await hand_over(
            reached(relay), letter or a_letter(), sender=SENDER, recipient=RECIPIENT
        )
    return outcome, relay


async def test_a_letter_taken_by_the_relay_is_accepted_with_its_answer() -> None:
    outcome, relay = await handed_to(Script(dot="250 2.0.0 queued as 4F2"))
    assert outcome == Outcome(Reply.ACCEPTED, 250, "2.0.0 queued as 4F2")
    assert f"MAIL FROM:<{SENDER}>" in relay.commands


async def test_the_relay_receives_the_letter_as_composed_for_one_recipient() -> None:
    outcome, relay = await handed_to(Script())
    taken = relay.taken[0]
    assert outcome.state is Reply.ACCEPTED
    assert (taken.sender, taken.recipients) == (SENDER, (RECIPIENT,))
    received = message_from_bytes(taken.data, policy=SMTP_POLICY)
    assert received["Message-ID"] == MESSAGE_ID
    assert received["Return-Path"] is None
    assert isinstance(received, EmailMessage)
    assert _words(received) == _words(a_letter())


async def test_a_relay_without_8bitmime_nor_smtputf8_receives_seven_bits_only() -> None:
    letter = a_letter()
    letter.clear_content()
    letter.set_content("Échéance : été\n", cte="8bit", charset="utf-8")
    _, relay = await handed_to(Script(), letter)
    assert relay.taken[0].data.isascii()
    received = message_from_bytes(relay.taken[0].data, policy=SMTP_POLICY)
    assert isinstance(received, EmailMessage)
    assert _words(received) == "Échéance : été\n"


async def test_lines_that_begin_with_a_dot_arrive_whole() -> None:
    letter = a_letter()
    letter.clear_content()
    letter.set_content(".\n..\n.signé\nfin\n")
    _, relay = await handed_to(Script(), letter)
    received = message_from_bytes(relay.taken[0].data, policy=SMTP_POLICY)
    assert isinstance(received, EmailMessage)
    assert _words(received) == ".\n..\n.signé\nfin\n"


@pytest.mark.parametrize("step", [*STEPS_BEFORE_THE_DOT, "dot"])
async def test_a_4xx_answer_defers_the_letter_and_keeps_the_code(step: str) -> None:
    outcome, relay = await handed_to(a_script(step, "450 4.2.1 later"))
    assert outcome.state is Reply.DEFERRED
    assert outcome.code == 450
    assert not relay.taken


@pytest.mark.parametrize("step", STEPS_ABOUT_THE_LETTER)
async def test_a_5xx_answer_about_the_letter_refuses_it(step: str) -> None:
    outcome, relay = await handed_to(a_script(step, "550 5.1.1 nobody"))
    assert outcome == Outcome(Reply.REFUSED, 550, "5.1.1 nobody")
    assert not relay.taken


async def test_a_relay_that_turns_us_away_at_the_door_defers_the_letter() -> None:
    outcome, _ = await handed_to(Script(greet="554 5.7.1 not you"))
    assert outcome == Outcome(Reply.DEFERRED, 554, outcome.text)


@pytest.mark.parametrize("step", STEPS_BEFORE_THE_DOT)
@pytest.mark.parametrize("what", [scripted.HANG, scripted.DROP, scripted.GARBAGE])
async def test_silence_loss_or_nonsense_before_the_dot_defers(
    step: str, what: str
) -> None:
    outcome, relay = await handed_to(a_script(step, what))
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


@pytest.mark.parametrize(
    "what",
    [
        scripted.HANG,
        scripted.DROP,
        scripted.GARBAGE,
        scripted.ACCEPT_THEN_DROP,
        scripted.ACCEPT_THEN_HANG,
    ],
)
async def test_silence_loss_or_nonsense_after_the_dot_is_unknown(what: str) -> None:
    outcome, _ = await handed_to(Script(dot=what))
    assert outcome.state is Reply.UNKNOWN


@pytest.mark.parametrize("what", [scripted.STALL, scripted.STALL_THEN_DROP])
async def test_a_relay_lost_within_a_long_letter_defers_it(what: str) -> None:
    outcome, relay = await handed_to(Script(data=what), a_huge_letter())
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


async def test_a_connection_lost_after_the_250_is_still_accepted() -> None:
    outcome, relay = await handed_to(Script(dot=scripted.OK_THEN_DROP))
    assert outcome.state is Reply.ACCEPTED
    assert len(relay.taken) == 1


async def test_a_2xx_to_data_accepts_nothing() -> None:
    outcome, relay = await handed_to(Script(data="250 strange"))
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


async def test_a_relay_that_only_knows_helo_is_served() -> None:
    outcome, relay = await handed_to(Script(ehlo="502 no such thing"))
    assert relay.commands[:2] == ["EHLO echeance.example", "HELO echeance.example"]
    assert outcome.state is Reply.ACCEPTED


async def test_greylisting_defers_once_and_accepts_the_same_letter_after() -> None:
    async with ScriptedRelay([Script(rcpt="450 4.7.1 wait"), Script()]) as relay:
        states = [
            (
                await hand_over(
                    reached(relay), a_letter(), sender=SENDER, recipient=RECIPIENT
                )
            ).state
            for _ in range(2)
        ]
    assert states == [Reply.DEFERRED, Reply.ACCEPTED]


async def test_a_relay_that_does_not_listen_defers_the_letter() -> None:
    async with ScriptedRelay() as relay:
        gone = reached(relay)
    outcome = await hand_over(gone, a_letter(), sender=SENDER, recipient=RECIPIENT)
    assert (outcome.state, outcome.code) == (Reply.DEFERRED, None)


async def test_the_text_of_an_answer_is_one_printable_line_of_500_at_most() -> None:
    outcome, _ = await handed_to(Script(dot="550 " + "x\x1b[31m\x00" * 400))
    assert len(outcome.text) <= 500
    assert outcome.text.isprintable()


@pytest.mark.parametrize(
    "recipient",
    ["", "nobody", "a@b.example,c@d.example", "a b@c.example", "é@c.example", "<a@b>"],
)
async def test_what_is_not_one_plain_address_never_reaches_the_relay(
    recipient: str,
) -> None:
    async with ScriptedRelay() as relay:
        outcome = await hand_over(
            reached(relay), a_letter(), sender=SENDER, recipient=recipient
        )
    assert outcome.state is Reply.REFUSED
    assert relay.connections == 0


async def test_a_sender_that_is_no_address_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="send from"):
        await hand_over(
            Relay("127.0.0.1", 1), a_letter(), sender="a\r\nb", recipient=RECIPIENT
        )


async def test_a_relay_without_starttls_gets_nothing_when_it_is_required() -> None:
    async with ScriptedRelay() as relay:
        outcome = await hand_over(
            replace(reached(relay), tls="starttls"),
            a_letter(),
            sender=SENDER,
            recipient=RECIPIENT,
        )
    assert outcome.state is Reply.DEFERRED
    assert not any(line.startswith("MAIL") for line in relay.commands)


def test_the_password_does_not_show_in_the_representation_of_a_relay() -> None:
    assert "secret" not in repr(Relay("mail.example", 25, password="secret"))


def _words(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
