"""Everybody who may knock, and one thing of each kind to knock for.

What is planted has an owner: Nadia and her agency. Whoever else asks has no part in it.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import quote

import httpx2
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from api.access import Role
from api.signin.cookies import form_token_of, hash_of, new_value
from documents.certificate import CertificateFacts
from records.imports import ImportRow, RefusedLine
from records.models import (
    Agency,
    DocumentRow,
    InvoiceRow,
    Letter,
    LinkRow,
    Mail,
    Person,
    TaskRow,
)
from records.sessions import Session
from tests.api.doors import Doors, knocking_at
from tests.api.register import plant
from tests.documents.certificates import a_certificate
from tests.dossiers import HOLDER, a_holder, noon
from tests.importing.sheets import a_file, a_line
from workflows.messages import LetterOrder

PERMIT, OTHER_PERMIT = "AR-1001", "AR-2002"
LINK, TASK, MAIL_ID, IMPORT_ID = "link-1", "task-1", "a" * 64, "b" * 64
LETTER = f"{HOLDER}/2026-12-10/reminder_30"
INVOICE = "F-2024-000001"

VISITORS: Mapping[str, tuple[str, Role, bool] | None] = {
    "nobody": None,
    "its person": ("person:nadia", Role.REPRESENTATIVE, False),
    "another person": ("person:marc", Role.REPRESENTATIVE, False),
    "its agency": ("business:boreal", Role.AGENCY, False),
    "another agency": ("business:other", Role.AGENCY, False),
    "officer": ("staff:claire", Role.OFFICER, False),
    "decider": ("staff:denis", Role.OFFICER, True),
}
"""Who knocks at a page: account, role, and whether they decide refusals."""

_THINGS: Mapping[str, str] = {
    "language": "fr",
    "word": "verifier",
    "name": "brand.css",
    "door": "personne",
    "kind": "css",
    "number": HOLDER,
    "written": HOLDER,
    "link_id": LINK,
    "task_id": TASK,
    "mail_id": MAIL_ID,
    "key": LETTER,
    "letter": LETTER,
    "permit": PERMIT,
    "session_id": "ps_of_nobody",
    "invoice": INVOICE,
    "import_id": IMPORT_ID,
    "secret": "nobodys",
    "proof": "address_to_confirm-none.none",
}
_QUERIES: Mapping[str, str] = {
    "/lettre": f"?key={quote(LETTER, safe='')}",
    "/lettre/postale": f"?key={quote(LETTER, safe='')}",
    "/chercher": "?q=nadia",
}


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Each method and address of the service."""
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or set()) - {"HEAD"}
    }


def plain(path: str) -> str:
    """Write an address without what its places must look like: {number}."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def addressed(path: str, **things: str) -> str:
    """Put things in the places of an address, and behind it what it asks for."""
    put = {**_THINGS, **things}
    if "/policy/" in path:
        put["kind"] = "CAR"
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda place: put[place[1]], path)
    query = next((q for end, q in _QUERIES.items() if path.endswith(end)), "")
    return filled + query


async def furnish(doors: Doors) -> None:
    """Plant a dossier with a certificate, a link, a letter and a task; a message."""
    await doors.an_agency(PERMIT)
    await doors.an_agency(OTHER_PERMIT)
    await plant(doors, a_holder(), person="Nadia Haddad")
    nadia = await doors.office.holder_of(HOLDER)
    async with doors.parts.sessions.begin() as session:
        (await session.get_one(Person, nadia.person_id)).sign_in_subject = _of("nadia")
        (await session.get_one(Agency, PERMIT)).sign_in_subject = _of("boreal")
        (await session.get_one(Agency, OTHER_PERMIT)).sign_in_subject = _of("other")
    for officer in ("officer", "decider"):  # colleagues know who has signed in
        await Visitor(doors, officer).begin()
    day, at = date(2024, 12, 10), noon(date(2026, 11, 9))
    await doors.office.add(
        LinkRow(link_id=LINK, dossier=HOLDER, permit=PERMIT, asked_on=day, since=day),
        InvoiceRow(
            invoice_id=f"{HOLDER}-1",
            number=INVOICE,
            dossier=HOLDER,
            operation="issue",
            asked_on=day,
            state="open",
        ),
        LinkRow(link_id="link-2", dossier=HOLDER, permit=PERMIT, asked_on=day),
        Letter(
            key=LETTER,
            dossier=HOLDER,
            notice="reminder_30",
            ordered=LetterOrder(
                key=LETTER, dossier=HOLDER, notice="reminder_30", occurred_at=at
            ).model_dump(mode="json"),
            occurred_at=at,
            state="bounced",
            language="fr",
            subject="Il vous reste 30 jours",
            body="Bonjour.",
        ),
        _certificate_as_a_file(at),
        TaskRow(
            task_id=TASK,
            dossier=HOLDER,
            reason="letter_refused",
            about=LETTER,
            due_on=date(2026, 12, 1),
            opened_at=at,
        ),
        Mail(
            mail_id=MAIL_ID,
            raw=b"Subject: x\r\n\r\nx",
            outcome="set_aside",
            understood={},
        ),
        ImportRow(
            import_id=IMPORT_ID,
            file_name="titulaires.csv",
            content=a_file(a_line(1), a_line(2, courriel="zoe")),
            lines=2,
            foreseen={"made": 1, "there": 0, "refused": 1, "letters": 0, "in_force": 1},
            uploaded_by="staff:claire",
        ),
    )
    fault = {"code": "bad_email", "column": "courriel", "detail": "zoe"}
    await doors.office.add(
        RefusedLine(import_id=IMPORT_ID, line=3, faults=[fault]),
    )


def _certificate_as_a_file(at: datetime) -> DocumentRow:
    facts = a_certificate(number=HOLDER)
    return DocumentRow(
        certificate=HOLDER,
        term_start=facts.first_day,
        edition=1,
        kind=facts.kind,
        language="fr",
        issued_at=at,
        sha256="0" * 64,
        facts=TypeAdapter(CertificateFacts).dump_python(facts, mode="json"),
        pdf=b"%PDF-",
    )


def _of(subject: str) -> str:
    """Name the account of somebody in VISITORS by its subject."""
    accounts = (who[0] for who in VISITORS.values() if who)
    return next(account for account in accounts if account.endswith(f":{subject}"))


class Visitor:
    """Somebody at a page, with a session that nothing they did before has ended."""

    def __init__(self, doors: Doors, name: str) -> None:
        self._doors = doors
        self._who = VISITORS[name]

    async def ask(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Ask, with the form token of one's own session and what *form* holds."""
        said = dict(form or {})
        async with knocking_at(self._doors.app) as http:
            value = await self.begin()
            if value is not None:
                http.cookies.set("echeance_session", value)
                said["form_token"] = form_token_of(value)
            data = said if method == "POST" else None
            return await http.request(method, address, data=data, headers=headers)

    async def begin(self) -> str | None:
        """Begin a session; give the value of its cookie, None for nobody."""
        if self._who is None:
            return None
        account, role, decides = self._who
        value = new_value()
        await self._doors.office.add(
            Session(
                session_hash=hash_of(value),
                account=account,
                role=role,
                decides=decides,
                name="Quelqu'un",
                browser="",
            )
        )
        return value


def heard(answer: httpx2.Response) -> str:
    """Name what an answer means for who may ask."""
    location = answer.headers.get("location", "")
    if "/connexion?retour=" in location:
        return "sign in"
    if answer.status_code in {401, 403, 404}:
        return str(answer.status_code)
    assert answer.status_code not in {405, 500}, answer.text
    return "yes"
