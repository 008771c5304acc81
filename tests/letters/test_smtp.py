"""Handing over: which side of the final dot decides what may be tried again."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import pytest

from letters.answers import Limit, Outcome, Reply
from letters.connections import Connections
from letters.smtp import Relay
from tests.letters import relay as scripted
from tests.letters.handing import (
    MESSAGE_ID,
    RECIPIENT,
    SENDER,
    a_letter,
    connections_to,
    hand_over,
    reached,
)
from tests.letters.relay import Script, ScriptedRelay, a_script

STEPS_BEFORE_THE_DOT = ("greet", "ehlo", "mail", "rcpt", "data")
STEPS_ABOUT_THE_LETTER = ("mail", "rcpt", "data", "dot")


def a_huge_letter() -> EmailMessage:
    """Too much for the buffers of a loopback socket to swallow unread."""
    letter = a_letter()
    letter.add_attachment(
        bytes(16_000_000), maintype="application", subtype="octet-stream"
    )
    return letter


async def handed_to(
    script: Script, letter: EmailMessage | None = None, *, nth: int = 1
) -> tuple[Outcome, ScriptedRelay]:
    """Hand over a letter, the n-th of its connection; forget the ones before it."""
    scripts = [*[Script()] * (nth - 1), script]
    async with ScriptedRelay(scripts) as relay, connections_to(reached(relay)) as to:
        for _ in range(nth - 1):
            assert (await hand_over(to)).state is Reply.ACCEPTED
        relay.taken.clear()
        outcome = await hand_over(to, letter)
    assert relay.connections == 1
    return outcome, relay


OF_A_CONNECTION = pytest.mark.parametrize("nth", [1, 2], ids=["first", "second"])


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


@pytest.mark.parametrize("step", ["greet", "ehlo"])
async def test_a_relay_that_is_not_ready_for_us_defers_the_letter(step: str) -> None:
    outcome, relay = await handed_to(a_script(step, "450 4.3.2 later"))
    assert outcome == Outcome(Reply.DEFERRED, 450, "4.3.2 later")
    assert not relay.taken


@OF_A_CONNECTION
@pytest.mark.parametrize("step", STEPS_ABOUT_THE_LETTER)
async def test_a_4xx_answer_defers_the_letter_and_keeps_the_code(
    step: str, nth: int
) -> None:
    outcome, relay = await handed_to(a_script(step, "450 4.2.1 later"), nth=nth)
    assert outcome.state is Reply.DEFERRED
    assert outcome.code == 450
    assert not relay.taken


@OF_A_CONNECTION
@pytest.mark.parametrize("answer", ["550 5.1.1 nobody", "552 5.3.4 too big"])
@pytest.mark.parametrize("step", STEPS_ABOUT_THE_LETTER)
async def test_a_5xx_answer_about_the_letter_refuses_it_and_keeps_the_code(
    step: str, answer: str, nth: int
) -> None:
    outcome, relay = await handed_to(a_script(step, answer), nth=nth)
    assert outcome == Outcome(Reply.REFUSED, int(answer[:3]), answer[4:])
    assert not relay.taken


@OF_A_CONNECTION
@pytest.mark.parametrize("step", STEPS_ABOUT_THE_LETTER)
async def test_a_relay_that_wants_a_password_first_refuses_no_letter(
    step: str, nth: int
) -> None:
    outcome, _ = await handed_to(a_script(step, "530 5.7.0 sign in first"), nth=nth)
    assert (outcome.state, outcome.code) == (Reply.DEFERRED, 530)


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


@pytest.mark.parametrize("step", ["rcpt", "data"])
@pytest.mark.parametrize("what", [scripted.HANG, scripted.DROP, scripted.GARBAGE])
async def test_silence_loss_or_nonsense_defers_the_second_letter_too(
    step: str, what: str
) -> None:
    outcome, relay = await handed_to(a_script(step, what), nth=2)
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


@OF_A_CONNECTION
@pytest.mark.parametrize(
    "what",
    [
        scripted.HANG,
        scripted.DROP,
        scripted.GARBAGE,
        scripted.ACCEPT_THEN_DROP,
        scripted.ACCEPT_THEN_HANG,
        "354 go on",
    ],
)
async def test_silence_loss_or_nonsense_after_the_dot_is_unknown(
    what: str, nth: int
) -> None:
    outcome, _ = await handed_to(Script(dot=what), nth=nth)
    assert outcome.state is Reply.UNKNOWN


@OF_A_CONNECTION
@pytest.mark.parametrize("what", [scripted.STALL, scripted.STALL_THEN_DROP])
async def test_a_relay_lost_within_a_long_letter_defers_it(what: str, nth: int) -> None:
    outcome, relay = await handed_to(Script(data=what), a_huge_letter(), nth=nth)
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


@OF_A_CONNECTION
async def test_a_connection_lost_after_the_250_is_still_accepted(nth: int) -> None:
    outcome, relay = await handed_to(Script(dot=scripted.OK_THEN_DROP), nth=nth)
    assert outcome.state is Reply.ACCEPTED
    assert len(relay.taken) == 1


@OF_A_CONNECTION
async def test_a_2xx_to_data_accepts_nothing(nth: int) -> None:
    outcome, relay = await handed_to(Script(data="250 strange"), nth=nth)
    assert outcome.state is Reply.DEFERRED
    assert not relay.taken


@pytest.mark.parametrize(
    ("step", "state"), [("rcpt", Reply.DEFERRED), ("dot", Reply.UNKNOWN)]
)
async def test_an_attempt_given_up_is_unknown_only_after_the_dot(
    step: str, state: Reply
) -> None:
    patient = {"command_timeout": 60.0, "data_timeout": 60.0}
    async with (
        ScriptedRelay([a_script(step, scripted.HANG)]) as relay,
        connections_to(reached(relay, **patient)) as to,
    ):
        outcome = await to.hand_over(
            a_letter(), sender=SENDER, recipient=RECIPIENT, limit=0.2
        )
    assert outcome == Outcome(state, None, "the relay was too slow")


async def test_a_relay_that_only_knows_helo_is_served() -> None:
    outcome, relay = await handed_to(Script(ehlo="502 no such thing"))
    assert relay.commands[:2] == ["EHLO echeance.example", "HELO echeance.example"]
    assert outcome.state is Reply.ACCEPTED


EXTENSIONS = ("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "SIZE 10240000", "DSN")


async def test_a_relay_that_reports_is_asked_to_report_under_the_letters_token() -> (
    None
):
    _, relay = await handed_to(Script(extensions=EXTENSIONS))
    mail, rcpt = relay.commands[1:3]
    assert mail == f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=abc"
    wishes = f"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{RECIPIENT}"
    assert rcpt == f"RCPT TO:<{RECIPIENT}> {wishes}"


async def test_an_address_with_a_plus_is_reported_on_under_its_spelling() -> None:
    reporting = Script(extensions=EXTENSIONS)
    async with (
        ScriptedRelay([reporting]) as relay,
        connections_to(reached(relay)) as to,
    ):
        await to.hand_over(a_letter(), sender=SENDER, recipient="a+b=c@d.example")
    assert relay.commands[2].endswith("ORCPT=rfc822;a+2Bb+3Dc@d.example")


async def test_what_a_relay_offers_besides_is_not_used() -> None:
    outcome, relay = await handed_to(Script(extensions=EXTENSIONS[:-1]))
    assert outcome.state is Reply.ACCEPTED
    assert relay.commands == [
        "EHLO echeance.example",
        f"MAIL FROM:<{SENDER}>",
        f"RCPT TO:<{RECIPIENT}>",
        "DATA",
        "QUIT",
    ]


async def test_what_goes_over_the_wire_is_what_a_signature_needs() -> None:
    letter = a_letter()
    letter["X-Long"] = "word " * 400
    _, relay = await handed_to(Script(), letter)
    (taken,) = relay.taken
    head, _, _ = taken.data.partition(b"\r\n\r\n")
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")]
    for once in ("from", "to", "subject", "date", "message-id", "mime-version"):
        assert names.count(once.encode()) == 1
    assert taken.data.isascii()
    assert taken.data.count(b"\n") == taken.data.count(b"\r\n")
    assert max(map(len, taken.data.split(b"\r\n"))) <= 998


async def test_the_bytes_on_the_wire_are_those_composed_but_the_return_path() -> None:
    letter = a_letter()
    letter.clear_content()
    letter.set_content(".\n..\n.signé\nfin\n", charset="utf-8", cte="quoted-printable")
    composed = letter.as_bytes().replace(f"Return-Path: <{SENDER}>\r\n".encode(), b"")
    _, relay = await handed_to(Script(), letter)
    assert relay.taken[0].data == composed


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            "550-5.1.1 nobody of this name\r\n550 5.1.1 ask him",
            "5.1.1 nobody of this name 5.1.1 ask him",
        ),
        ("550 5.1.1 boîte inconnue", "5.1.1 boîte inconnue"),
        ("550 5.1.1 bo\udceete inconnue", "5.1.1 bote inconnue"),  # in Latin-1
    ],
)
async def test_an_answer_of_several_lines_or_in_french_is_kept_whole(
    answer: str, text: str
) -> None:
    outcome, _ = await handed_to(Script(rcpt=answer))
    assert outcome == Outcome(Reply.REFUSED, 550, text)


@pytest.mark.parametrize(
    ("step", "answer", "limit"),
    [
        ("rcpt", "450 4.7.1 rate of mail from you is too high", Limit.DOMAIN),
        ("rcpt", "452 4.5.3 Too many messages", Limit.DOMAIN),
        ("data", "451 4.7.0 temporarily rate limited", Limit.DOMAIN),
        ("dot", "421 4.7.28 unusual rate of mail", Limit.DOMAIN),
        ("mail", "451 4.7.0 too many messages, slow down", Limit.RELAY),
        ("greet", "421 4.7.0 too many connections from you", Limit.RELAY),
        ("rcpt", "450 4.7.1 greylisted, come back in 5 minutes", None),
        ("rcpt", "451 4.3.0 we generate an error", None),
        ("rcpt", "550 5.7.1 too many of your letters are spam", None),
    ],
)
async def test_a_relay_that_says_too_many_is_understood(
    step: str, answer: str, limit: Limit | None
) -> None:
    outcome, _ = await handed_to(a_script(step, answer))
    assert outcome.limit is limit


async def test_greylisting_defers_once_and_accepts_the_same_letter_after() -> None:
    async with ScriptedRelay([Script(rcpt="450 4.7.1 wait"), Script()]) as relay:
        states = [(await hand_over(reached(relay))).state for _ in range(2)]
    assert states == [Reply.DEFERRED, Reply.ACCEPTED]


async def test_a_relay_that_does_not_listen_defers_the_letter() -> None:
    async with ScriptedRelay() as relay:
        gone = reached(relay)
    outcome = await hand_over(gone)
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
    async with ScriptedRelay() as relay, connections_to(reached(relay)) as to:
        outcome = await to.hand_over(a_letter(), sender=SENDER, recipient=recipient)
    assert outcome.state is Reply.REFUSED
    assert relay.connections == 0


async def test_a_sender_that_is_no_address_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="send from"):
        await Connections(Relay("127.0.0.1", 1)).hand_over(
            a_letter(), sender="a\r\nb", recipient=RECIPIENT
        )


async def test_a_relay_without_starttls_gets_nothing_when_it_is_required() -> None:
    async with ScriptedRelay() as relay:
        outcome = await hand_over(reached(relay, tls="starttls"))
    assert outcome.state is Reply.DEFERRED
    assert not any(line.startswith("MAIL") for line in relay.commands)


def test_the_password_does_not_show_in_the_representation_of_a_relay() -> None:
    assert "secret" not in repr(Relay("mail.example", 25, password="secret"))


def _words(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
