"""The people of a demo: they write, pay, confirm and decide through the real doors."""

import asyncio
import json
import secrets
import smtplib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Self
from uuid import uuid4

import httpx2
from rich.console import Console
from sqlalchemy import select
from temporalio.client import Client

import engine
from embedded.clock import DossierClocks
from records.accounts import person_with_account
from records.database import Sessions, make_engine, make_sessions
from records.models import Agency, Letter, Person
from records.opening import add_agency, find_or_add_person, register_holder
from rules.civil_time import ZONE, add_years, civil_date
from rules.dossier import Exam, Link, Phase, Term
from rules.numbers import DossierNumber, PermitNumber
from settings import Settings

PATIENCE_S = 30.0
_PAUSE_S = 0.05

AGENCY = PermitNumber("AR-1001")
HANDED_OVER = frozenset({"accepted", "delivered"})
"""States of a letter that the relay took; the catcher reports deliveries."""

_ON_THE_PROGRAMME = {
    "email_received": "the Office receives an e-mail",
    "exam_passed": "exam passed",
    "invoice_opened": "invoice opened",
    "invoice_paid": "invoice paid",
    "agency_linked": "agency linked",
    "link_requested": "link with an agency asked for",
    "agency_reminded": "agency reminded of a link",
    "transfer_requested": "transfer of the exam result asked for",
    "transfer_accepted": "the rule says yes: the exam result comes over",
    "result_promised": "the exam result is promised",
    "result_taken": "the exam result has left",
    "task_opened": "a task for an officer",
    "intended_refusal": "an officer intends to refuse",
    "refused": "an officer refuses",
    "certificate_issued": "CERTIFICATE ISSUED",
    "renewed": "CERTIFICATE RENEWED",
    "phase": "phase",
}


class UnexpectedError(AssertionError):
    """The story did not go as it must; the text says where."""


@dataclass
class Stage:
    """One story as it is played: its dossiers, its clock, what was shown of it."""

    theatre: "Theatre"
    now: datetime
    dossiers: list[DossierNumber] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)

    @property
    def today(self) -> date:
        """The civil day of the story."""
        return civil_date(self.now)

    async def advance_to(self, day: date, hour: int = 12) -> None:
        """Move the story's dossiers together to an hour of a day, and show it."""
        await self.show()
        at = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).astimezone(UTC)
        await self.theatre.clocks.advance(self.dossiers, at)
        self.now = max(self.now, at)
        await self.theatre.settled(self.dossiers)
        await self.show()

    async def join(self, number: DossierNumber) -> DossierNumber:
        """Bring a dossier to the day of the story."""
        self.dossiers.append(number)
        await self.theatre.clocks.advance([number], self.now)
        return number

    async def until(self, number: DossierNumber, phase: Phase) -> None:
        """Wait for a phase; raise UnexpectedError when it does not come."""
        await self.theatre.until(number, phase)
        await self.theatre.settled(self.dossiers)
        await self.show()

    async def show(self) -> None:
        """Say, oldest first, what happened since the last time."""
        lines = []
        for number in self.dossiers:
            lines += await self.theatre.lines_of(number)
        for key, at, text in sorted(lines, key=lambda line: (line[1], line[0])):
            if key not in self.shown:
                self.shown.add(key)
                day = at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
                self.theatre.say(f"  {day}  {text}")


class Theatre:
    """The doors of a running stack, as people use them."""

    patience_s = PATIENCE_S

    def __init__(
        self,
        settings: Settings,
        client: Client,
        sessions: Sessions,
        http: httpx2.AsyncClient,
        say: Callable[[str], None],
    ) -> None:
        """Open through `opened`, which closes what it opens."""
        self.clocks = DossierClocks(settings, client, sessions)
        self.say = say
        self._settings = settings
        self._client = client
        self._sessions = sessions
        self._http = http
        assert settings.tokens_file is not None
        self._tokens: dict[str, str] = json.loads(settings.tokens_file.read_text())

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, console: Console) -> AsyncIterator[Self]:
        """Reach a running stack."""
        client = await engine.connect(settings)
        database = make_engine(settings.database_url)
        address = f"http://{settings.api_host}:{settings.api_port}"
        try:
            async with httpx2.AsyncClient(base_url=address, timeout=20) as http:
                yield cls(
                    settings,
                    client,
                    make_sessions(database),
                    http,
                    lambda line: console.print(line, markup=False),
                )
        finally:
            await database.dispose()

    def stage(self) -> Stage:
        """Begin a story today."""
        return Stage(self, datetime.now(UTC))

    # --------------------------------------------------------------- who is there

    async def place_agency(
        self,
        permit: PermitNumber = AGENCY,
        *,
        name: str = "Recouvrement Boréal inc.",
        account: str | None = None,
    ) -> None:
        """Have an agency in the register."""
        async with self._sessions.begin() as session:
            await add_agency(
                session,
                permit=permit,
                name=name,
                email=f"certificats@{name.split()[1].casefold()}.example",
                language="fr",
            )
            if account is not None:
                agency = await session.get_one(Agency, permit)
                agency.sign_in_subject = account

    async def place_holder(
        self,
        stage: Stage,
        name: str,
        *,
        days_left: int,
        unlinked_before_the_end: int | None = None,
        exam_passed_on: date | None = None,
        account: str | None = None,
    ) -> DossierNumber:
        """Bring in a holder whose certificate ends in *days_left* days."""
        echeance = stage.today + timedelta(days=days_left)
        start = add_years(echeance, -2)
        number = DossierNumber(f"CAR{start.year}{self._free_digits()}")
        until = (
            None
            if unlinked_before_the_end is None
            else echeance - timedelta(days=unlinked_before_the_end)
        )
        async with self._sessions.begin() as session:
            person = await find_or_add_person(
                session,
                name=name,
                email=address_of(name),
                language="fr",
                sign_in_subject=account,
            )
            passed_on = exam_passed_on or start - timedelta(days=30)
            await register_holder(
                session,
                person_id=person,
                number=number,
                term=Term(start, echeance),
                exam=Exam(f"ITHQ-{number}", passed_on, max(passed_on, start)),
                links=[Link(f"{number}-1", AGENCY, start, since=start, until=until)],
                at=stage.now,
            )
        await engine.begin(self._client, number)
        await self.settled([number])
        return await stage.join(number)

    async def knows_account(self, account: str) -> bool:
        """Answer whether somebody signs in with this account."""
        async with self._sessions() as session:
            return await person_with_account(session, account) is not None

    async def give_account(self, name: str, account: str) -> None:
        """Let a person sign in with an account."""
        async with self._sessions.begin() as session:
            person_id = await find_or_add_person(
                session, name=name, email=address_of(name), language="fr"
            )
            person = await session.get_one(Person, person_id)
            person.sign_in_subject = account

    @staticmethod
    def _free_digits() -> str:
        """Draw eight digits: the demo may be played again, and several at once."""
        return f"{secrets.randbelow(10**8):08d}"

    async def open_dossier(self, stage: Stage, name: str) -> DossierNumber:
        """« Je désire obtenir un certificat »."""
        body = {"name": name, "email": address_of(name), "language": "fr"}
        answer = await self._post("representative", "dossiers", body)
        number = DossierNumber(answer["number"])
        await self.settled([number])
        return await stage.join(number)

    # ----------------------------------------------------------------- what they do

    async def write_mail(self, name: str, subject: str, text: str) -> None:
        """Send a letter to the Office, through the door its mail server uses."""
        message = EmailMessage()
        message["From"] = f"{name} <{address_of(name)}>"
        message["To"] = self._settings.intake_address
        message["Subject"] = subject
        message["Message-ID"] = f"<{datetime.now(UTC).timestamp()}@courriel.example>"
        message.set_content(text)
        await asyncio.to_thread(self._deliver, message)

    def _deliver(self, message: EmailMessage) -> None:
        host, port = self._settings.lmtp_host, self._settings.lmtp_port
        with smtplib.LMTP(host, port) as lmtp:
            lmtp.send_message(message, to_addrs=[self._settings.intake_address])

    async def pass_exam(self, number: DossierNumber, passed_on: date) -> None:
        """The exam body transmits a result."""
        body = {
            "dossier": number,
            "result_id": f"ITHQ-{number}",
            "passed_on": passed_on.isoformat(),
        }
        await self._post("exam_body", "exam-results", body)

    async def pay(self, number: DossierNumber) -> None:
        """Pay the open invoice with the simulated provider."""
        begun = await self._post("representative", f"dossiers/{number}/payments", {})
        session_id = begun["session_id"]
        answer = await self._http.post(f"/simulator/sessions/{session_id}/approve")
        _check(answer)

    async def ask_for_link(
        self, number: DossierNumber, permit: PermitNumber = AGENCY
    ) -> str:
        """Declare an agency, which must confirm."""
        path = f"dossiers/{number}/links"
        asked = await self._post("representative", path, {"permit": permit})
        return str(asked["link_id"])

    async def confirm_link(self, link_id: str, since: date) -> None:
        """The agency confirms."""
        body = {"since": since.isoformat()}
        await self._post("agency", f"links/{link_id}/confirmation", body)

    async def decide(self, number: DossierNumber, decision: str, text: str) -> None:
        """An officer decides on the open task about a transfer, another on a no."""
        state = await self.state(number)
        [task] = [
            t
            for t in state["dossier"]["tasks"]
            if t["reason"] == "transfer_not_allowed"
        ]
        path = f"staff/tasks/{task['task_id']}/decision"
        officer = "second_officer" if decision == "refuse" else "officer"
        await self._post(officer, path, {"decision": decision, "text": text})

    # ----------------------------------------------------------------- what is seen

    async def state(self, number: DossierNumber) -> dict[str, Any]:
        """Where a dossier stands."""
        answer: dict[str, Any] = await self._get(f"dossiers/{number}")
        return answer

    async def letters(self, number: DossierNumber) -> list[dict[str, Any]]:
        """The letters of a dossier."""
        answer = await self._get(f"dossiers/{number}/letters")
        return list(answer["letters"])

    async def until(self, number: DossierNumber, phase: Phase) -> None:
        """Wait for a phase; raise UnexpectedError when it does not come."""

        async def reached() -> bool:
            return bool((await self.state(number))["phase"] == phase)

        await self._wait_for(reached, f"{number} is not {phase}")

    async def settled(self, numbers: list[DossierNumber]) -> None:
        """Wait until each story has heard all it was told and its letters left."""
        for number in numbers:

            async def quiet(number: DossierNumber = number) -> bool:
                return await self._is_settled(number)

            await self._wait_for(quiet, f"{number}: letters did not leave")

    async def _wait_for(
        self, reached: Callable[[], Awaitable[bool]], otherwise: str
    ) -> None:
        """Ask again and again; raise UnexpectedError after `patience_s`."""
        for _ in range(int(self.patience_s / _PAUSE_S)):
            if await reached():
                return
            await asyncio.sleep(_PAUSE_S)
        raise UnexpectedError(otherwise)

    async def _is_settled(self, number: DossierNumber) -> bool:
        state = await self.state(number)
        if not state["live"]:
            return False
        return not (state["letters_on_their_way"] or state["facts_waiting"])

    async def lines_of(self, number: DossierNumber) -> list[tuple[str, datetime, str]]:
        """What the history and the letters of a dossier say, as key, instant, text."""
        timeline = await self._get(f"dossiers/{number}/timeline", limit=200)
        lines = [
            (
                f"{number}:{entry['position']:04d}",
                datetime.fromisoformat(entry["at"]),
                f"{number}  {_ON_THE_PROGRAMME[entry['what']]}{_detail(entry)}",
            )
            for entry in timeline["entries"]
            if entry["what"] in _ON_THE_PROGRAMME
        ]
        lines += [
            (
                f"{number}:letter:{letter['key']}",
                datetime.fromisoformat(letter["occurred_at"]),
                f"{number}  ✉ {letter['subject']}",
            )
            for letter in await self.letters(number)
            if letter["state"] in HANDED_OVER
        ]
        return lines

    async def letters_not_once_in_the_mailbox(
        self, numbers: list[DossierNumber]
    ) -> list[str]:
        """Name the letters that the mail catcher does not hold exactly once."""
        assert self._settings.relay_log_url is not None
        inbox = self._settings.relay_log_url.removesuffix("/api/log")
        # The mail catcher may be starting again just now.
        patient = httpx2.AsyncHTTPTransport(retries=6)
        async with httpx2.AsyncClient(timeout=20, transport=patient) as http:
            messages = _check(await http.get(f"{inbox}/api/messages"))
        copies = Counter(message["message_id"] for message in messages)
        sent = select(Letter.key, Letter.message_id).where(Letter.dossier.in_(numbers))
        async with self._sessions() as session:
            letters = (await session.execute(sent)).all()
        return [key for key, message_id in letters if copies[message_id] != 1]

    async def _get(self, path: str, **query: Any) -> Any:
        return _check(
            await self._http.get(
                f"/api/v1/{path}", headers=self._as("officer"), params=query
            )
        )

    async def _post(
        self, role: str, path: str, body: dict[str, Any], key: str | None = None
    ) -> Any:
        """Ask once; asked again with the same *key*, it still counts once."""
        headers = self._as(role) | {"Idempotency-Key": key or str(uuid4())}
        return _check(
            await self._http.post(f"/api/v1/{path}", headers=headers, json=body or None)
        )

    def _as(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[role]}"}


def address_of(name: str) -> str:
    """Give an invented person an address that leads nowhere."""
    return f"{'.'.join(name.casefold().split())}@courriel.example"


def _detail(entry: dict[str, Any]) -> str:
    detail = entry["detail"]
    if entry["what"] == "phase":
        return f": {detail['before']} → {detail['after']}"
    told = detail.get("reason") or detail.get("echeance") or detail.get("permit")
    return f": {told}" if told else ""


def _check(answer: httpx2.Response) -> Any:
    if answer.is_error:
        raise UnexpectedError(f"{answer.request.url}: {answer.text}")
    return answer.json() if answer.content else None
