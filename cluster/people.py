"""The people of the demo where nothing is embedded: they sign in and fill in pages.

A person's token opens nothing there. Their clocks are moved by the test's own hand, and
what is seen of a dossier is read by its own eye: both are beside the installation.
"""

import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime
from html import unescape
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
from rich.console import Console
from temporalio.client import Client

import engine
from api.app import create_app
from cluster.stack import Cluster
from embedded.clock import DossierClocks
from embedded.theatre import (
    AGENCY,
    Stage,
    Theatre,
    UnexpectedError,
    address_of,
)
from proof.system_layer import insist
from records.database import Sessions, make_engine, make_sessions
from rules.numbers import DossierNumber, PermitNumber
from settings import Settings

_PERSON, _AGENCY, _OFFICE = "personne", "agence", "office"
_KEY = "ici-et-maintenant"
Done = TypeVar("Done")


class Doors(httpx2.AsyncBaseTransport):
    """Both API processes as a balancer has them: in turns, past one that is away."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = [httpx2.URL(address) for address in addresses]
        self._turn = 0
        self._transport = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask one of them."""
        self._turn += 1
        for left in reversed(range(len(self._addresses))):
            door = self._addresses[(self._turn + left) % len(self._addresses)]
            request.url = request.url.copy_with(host=door.host, port=door.port)
            try:
                return await self._transport.handle_async_request(request)
            except httpx2.ConnectError:
                if not left:
                    raise
        raise AssertionError

    async def aclose(self) -> None:
        """Close what is open."""
        await self._transport.aclose()


class Visitor:
    """Somebody at a browser, signed in at the door of their realm."""

    def __init__(self, doors: Doors, number: int) -> None:
        # As the proxy before the service says it: each from an address of their own.
        headers = {"X-Forwarded-For": f"192.0.2.{number % 250 + 1}"}
        self.http = httpx2.AsyncClient(
            transport=doors, base_url="http://127.0.0.1", timeout=20, headers=headers
        )

    async def sign_in(self, door: str, subject: str, why: str = "") -> None:
        """Go to the provider and come back; raises UnexpectedError if turned away."""
        query = {"pour": why} if why else {}
        led = await self.http.get(f"/fr/connexion/{door}", params=query)
        location = led.headers.get("location", "")
        asked = urlsplit(location).query
        if "authorize" not in location:
            raise UnexpectedError(f"{door}: {led.status_code} {location}")
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as provider:
            form = {"asked": asked, "subject": subject}
            sent = await provider.post(location, data=form)
        back = urlsplit(sent.headers["location"])
        answer = await self.http.get(f"{back.path}?{back.query}")
        if answer.status_code != httpx2.codes.SEE_OTHER or "echec" in str(
            answer.headers["location"]
        ):
            raise UnexpectedError(f"{subject} was turned away: {answer.text[:300]}")

    async def send(self, page: str, **said: str) -> str:
        """Fill in a form and send it; give where it leads.

        Raises UnexpectedError where the form comes back.
        """
        shown = await self.http.get("/fr/sessions")
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', shown.text)
        if token is None:
            raise UnexpectedError(f"{page}: nobody is signed in ({shown.status_code})")
        form = {"form_token": token[1], "step": "send", "key": _KEY, **said}
        answer = await self.http.post(f"/fr/{page}", data=form)
        if answer.status_code != httpx2.codes.SEE_OTHER:
            words = re.sub(r"<[^>]+>|\s+", " ", unescape(answer.text))
            raise UnexpectedError(f"{page}: {answer.status_code} {words[-600:]}")
        return str(answer.headers["location"])


class ProductionTheatre(Theatre):
    """The doors of a cluster; whoever stands before one that is away insists."""

    patience_s = 240.0

    def __init__(
        self,
        settings: Settings,
        client: Client,
        sessions: Sessions,
        eye: httpx2.AsyncClient,
        say: Callable[[str], None],
        cluster: Cluster,
    ) -> None:
        """Open through `reached`."""
        super().__init__(settings, client, sessions, eye, say)
        self.clocks = _InsistingClocks(settings, client, sessions)
        self.doors = Doors(cluster.address(f"api-{n}") for n in (1, 2))
        self.cards = cluster.address("cards")
        self._machines: dict[str, str] = json.loads(cluster.secret("echeance_tokens"))
        self._visitors: dict[tuple[str, str], Visitor] = {}
        self._whose: dict[DossierNumber, str] = {}
        self._run = ""
        self.new_cast()

    def new_cast(self) -> None:
        """Have other people of the same names from here on."""
        self._run = uuid4().hex[:6]

    def _account(self, name: str) -> str:
        return f"{address_of(name).partition('@')[0]}.{self._run}"

    async def visitor(self, door: str, subject: str, why: str = "") -> Visitor:
        """Give somebody's browser, signed in the first time."""
        if (door, subject) not in self._visitors:
            visitor = Visitor(self.doors, len(self._visitors))
            await insist("sign in", lambda: visitor.sign_in(door, subject, why))
            self._visitors[door, subject] = visitor
        return self._visitors[door, subject]

    async def _sent(self, visitor: Visitor, page: str, **said: str) -> str:
        return await insist(page, lambda: visitor.send(page, **said))

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
        """Bring in a holder, who can sign in."""
        number = await super().place_holder(
            stage,
            name,
            days_left=days_left,
            unlinked_before_the_end=unlinked_before_the_end,
            exam_passed_on=exam_passed_on,
            account=account or f"person:{self._account(name)}",
        )
        self._whose[number] = name
        return number

    async def open_dossier(self, stage: Stage, name: str) -> DossierNumber:
        """« Je désire obtenir un certificat »."""
        visitor = await self.visitor(_PERSON, self._account(name))
        led = await self._sent(
            visitor,
            "nouveau-dossier",
            nom=name,
            courriel=address_of(name),
            langue="fr",
        )
        found = re.search(r"/dossier/([A-Z0-9]+)", led)
        if found is None:
            raise UnexpectedError(f"a new dossier leads to {led}")
        number = DossierNumber(found[1])
        self._whose[number] = name
        await self.settled([number])
        return await stage.join(number)

    async def pass_exam(self, number: DossierNumber, passed_on: date) -> None:
        """The exam body transmits a result, with the token that the operator gave."""
        body = {
            "dossier": number,
            "result_id": f"ITHQ-{number}",
            "passed_on": passed_on.isoformat(),
        }
        headers = {
            "Authorization": f"Bearer {self._machines['exam_body']}",
            "Idempotency-Key": str(uuid4()),
        }

        async def post() -> None:
            async with self._at_doors() as http:
                answer = await http.post(
                    "/api/v1/exam-results", json=body, headers=headers
                )
            if answer.is_error:
                raise UnexpectedError(answer.text)

        await insist("an exam's result", post)

    @asynccontextmanager
    async def _at_doors(self) -> AsyncIterator[httpx2.AsyncClient]:
        yield httpx2.AsyncClient(
            transport=self.doors, base_url="http://127.0.0.1", timeout=20
        )

    async def pay(self, number: DossierNumber) -> None:
        """Pay at the provider's page, on the day of the story; its message is heard."""
        before = await self._paid(number)
        visitor = await self.visitor(_PERSON, self._account(self._whose[number]))
        page = await self._sent(visitor, f"dossier/{number}/paiement")
        now = await self.clocks.now(number)
        async with httpx2.AsyncClient(timeout=20, trust_env=False) as provider:
            paid = await provider.post(page, params={"at": int(now.timestamp())})
        if not paid.is_success:
            raise UnexpectedError(f"{page}: {paid.text}")

        async def heard() -> bool:
            return await self._paid(number) > before

        await self._wait_for(heard, f"{number}: the payment is not heard")

    async def _paid(self, number: DossierNumber) -> int:
        invoices = (await self.state(number))["dossier"]["invoices"]
        return sum(invoice["paid"] is not None for invoice in invoices)

    async def ask_for_link(
        self, number: DossierNumber, permit: PermitNumber = AGENCY
    ) -> str:
        """Declare an agency, which must confirm."""
        visitor = await self.visitor(_PERSON, self._account(self._whose[number]))
        await self._sent(visitor, f"dossier/{number}/agence", permis=permit)
        await self.settled([number])
        state = await self.state(number)
        return str(state["dossier"]["links"][-1]["link_id"])

    async def confirm_link(self, link_id: str, since: date) -> None:
        """The agency confirms."""
        boreal = await self.visitor(_AGENCY, "boreal")
        said = {"reponse": "confirmer", "jour": since.isoformat()}
        await self._sent(boreal, f"agence/lien/{link_id}", **said)

    async def decide(self, number: DossierNumber, decision: str, text: str) -> None:
        """An officer decides, another one on a no, each with the stronger proof."""
        state = await self.state(number)
        [task] = [
            t
            for t in state["dossier"]["tasks"]
            if t["reason"] == "transfer_not_allowed"
        ]
        name = "denis" if decision == "refuse" else "claire"
        officer = await self.visitor(_OFFICE, name, "decision")
        said = {"decision": decision, "texte": text}
        await self._sent(officer, f"bureau/tache/{task['task_id']}", **said)

    async def write_mail(self, name: str, subject: str, text: str) -> None:
        """Write to the Office; the mail server tries again as they do."""
        write = super().write_mail
        await insist("a mail", lambda: write(name, subject, text))

    async def _get(self, path: str, **query: Any) -> Any:
        look = super()._get
        return await insist(path, lambda: look(path, **query))

    async def leave(self) -> None:
        """Close every browser."""
        await self.doors.aclose()


class _InsistingClocks(DossierClocks):
    async def now(self, number: str) -> datetime:
        ask = super().now
        return await insist("a clock", lambda: ask(number))

    async def advance(self, numbers: Iterable[str], to: datetime) -> None:
        move, each = super().advance, list(numbers)
        await insist("a clock", lambda: move(each, to))


@asynccontextmanager
async def reached(
    cluster: Cluster, console: Console
) -> AsyncIterator[ProductionTheatre]:
    """Reach a running cluster by the doors of its second half.

    The eye is the same application in this process, as the embedded stack has it; the
    tokens it makes for officers open nothing at the two API processes.
    """
    folder = cluster.folder / "eye"
    folder.mkdir(exist_ok=True)
    tokens = folder / "tokens.json"
    shutil.copy(cluster.folder / "secrets" / "echeance_tokens", tokens)
    production = cluster.settings(2)
    settings = production.model_copy(
        update={
            "embedded": True,
            "data_dir": folder,
            "tokens_file": tokens,
            "payment_provider": None,
        }
    )
    app = create_app(settings)
    database = make_engine(settings.database_url)
    client = await engine.connect(settings)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport, base_url=production.public_url, timeout=20
        ) as eye:
            sessions = make_sessions(database)
            theatre = ProductionTheatre(
                settings,
                client,
                sessions,
                eye,
                lambda line: console.print(line, markup=False),
                cluster,
            )
            yield theatre
            await theatre.leave()
    await database.dispose()
