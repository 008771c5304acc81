"""The one way in which a page asks: written, read once more, sent; nothing is lost.

A form keeps what was written under who is signed in and its own address, and every
sending leads to a page that can be asked for again: Back, a reload, the other language
and a session that ended find the answers where they were.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Role
from api.errors import Refused, wait_told
from api.language import Language
from api.pages.checking import Back, Check, check_page
from api.pages.forms import (
    Faults,
    FormWritten,
    Step,
    Written,
    first_time,
    written_in,
)
from api.pages.rendering import Page, behind_language, page
from api.parts import Parts, TheParts, parts_of
from api.signin.cookies import hash_of
from api.signin.who import (
    SignedIn,
    SignInNeeded,
    TheAgency,
    TheDecidingOfficer,
    TheOfficer,
    ThePerson,
    own_form,
)
from records.drafts import Draft, draft_of, forget_draft, keep_draft, note_sent
from records.sessions import ended_by_itself, session_of_form

_What = TypeVar("_What")
_STEP = "etape"
_CHECK, _KEPT = "verifier", "garde"
_LONGEST_ADDRESS = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a page with a form, in which language."""

    request: Request
    parts: Parts
    language: Language
    who: SignedIn


def _person(
    request: Request, parts: TheParts, language: Language, who: ThePerson
) -> Asked:
    return Asked(request, parts, language, who)


def _agency(
    request: Request, parts: TheParts, language: Language, who: TheAgency
) -> Asked:
    return Asked(request, parts, language, who)


def _officer(
    request: Request, parts: TheParts, language: Language, who: TheOfficer
) -> Asked:
    return Asked(request, parts, language, who)


def _decider(
    request: Request, parts: TheParts, language: Language, who: TheDecidingOfficer
) -> Asked:
    return Asked(request, parts, language, who)


ByPerson = Annotated[Asked, Depends(_person)]
ByAgency = Annotated[Asked, Depends(_agency)]
ByOfficer = Annotated[Asked, Depends(_officer)]
ByDecidingOfficer = Annotated[Asked, Depends(_decider)]


class Form(ABC, Generic[_What]):
    """One form: how its answers are read, shown once more, and sent.

    *_What* is what the answers mean once nothing is wrong with them.
    """

    template: ClassVar[str]
    field: ClassVar[str]
    """Where a refusal is noted that is about none of the answers alone."""

    back: Back | None = None
    begins_anew: bool = False
    """Whether its address says what to fill in, whatever was left here."""

    def __init__(self, asked: ByPerson) -> None:
        self.asked = asked
        self.path = behind_language(asked.request.url.path)

    async def known(self) -> Mapping[str, str]:
        """Give what is known already: nothing is asked twice."""
        return {}

    async def facts(self) -> Mapping[str, Any]:
        """Give what the page says besides; raises Refused when it is of no use now."""
        return {}

    @abstractmethod
    async def read(self, written: Written, faults: Faults) -> _What | None:
        """Read the answers, or note what is wrong with them."""

    @abstractmethod
    async def check(self, what: _What) -> Check:
        """Say what would be sent and what follows; may raise Refused."""

    @abstractmethod
    async def send(self, what: _What, key: str) -> Response:
        """Do it, once for a key; lead to the page that confirms it.

        Raises Refused with what the answers run against.
        """

    def note(self, faults: Faults, refused: Refused) -> None:
        """Note a refusal at the field it is about."""
        faults.refused(self.field, refused)

    # ------------------------------------------------------------------ what is shown

    async def show(self, step: str) -> Response:
        """Show the form as it was left, or what would be sent of it."""
        draft = None if self.begins_anew else await self._draft()
        if draft is not None and draft.sent_to is not None:
            if step == _CHECK:
                return led(f"/{self.asked.language}{draft.sent_to}")
            draft = None
        if draft is None:
            if step:
                return self.led_here()
            blank = Written(await self.known(), Step.WRITE, first_time().key)
            return await self._page(blank, Faults())
        written = Written(draft.answers, Step.WRITE, draft.key)
        if step == _CHECK:
            return await self._judged(written, draft)
        return await self._page(written, Faults(), draft, just_kept=step == _KEPT)

    async def _judged(self, written: Written, draft: Draft | None) -> Response:
        faults = Faults()
        try:
            what = await self.read(written, faults)
            if what is not None and not faults:
                check = await self.check(what)
                return check_page(
                    self.asked.request, self.asked.language, check, written
                )
        except Refused as refused:
            self.note(faults, refused)
        return await self._page(written, faults, draft)

    async def _page(
        self,
        written: Written,
        faults: Faults,
        draft: Draft | None = None,
        *,
        just_kept: bool = False,
    ) -> Response:
        asked = self.asked
        return page(
            asked.request,
            self.template,
            asked.language,
            status.HTTP_422_UNPROCESSABLE_CONTENT if faults else status.HTTP_200_OK,
            form=self,
            draft=draft,
            just_kept=just_kept,
            written=written,
            faults=faults,
            **await self.facts(),
        )

    # ------------------------------------------------------------------- what is sent

    async def take(self, written: Written) -> Response:
        """Keep what was written; send it, or lead to the page that shows it."""
        async with self._records() as session:
            if written.step is Step.FORGET:
                await forget_draft(session, self.asked.who.account, self.path)
                return self.led_here()
            await keep_draft(
                session, self.asked.who.account, self.path, written.key, written.answers
            )
        if written.step is Step.SEND:
            return await self._sent(written)
        return self.led_here(
            {Step.CHECK: _CHECK, Step.KEEP: _KEPT}.get(written.step, "")
        )

    async def _sent(self, written: Written) -> Response:
        faults = Faults()
        try:
            what = await self.read(written, faults)
            if what is None or faults:
                return self.led_here(_CHECK)
            answer = await self.send(what, written.key)
        except Refused as refused:
            if wait_told(refused):
                raise
            self.note(faults, refused)
            return await self._page(written, faults)
        async with self._records() as session:
            led_to = behind_language(answer.headers["location"])
            await note_sent(
                session, self.asked.who.account, self.path, written.key, led_to
            )
        return answer

    def led_here(self, step: str = "") -> Response:
        """Lead to this form, or to what would be sent of it."""
        query = f"?{_STEP}={step}" if step else ""
        return led(f"/{self.asked.language}{self.path}{query}")

    async def _draft(self) -> Draft | None:
        async with self.asked.parts.sessions() as session:
            return await draft_of(session, self.asked.who.account, self.path)

    def _records(self) -> Any:
        return self.asked.parts.sessions.begin()


def led(where: str) -> Response:
    """Lead to a page, which is then asked for by its address."""
    return RedirectResponse(where, status.HTTP_303_SEE_OTHER)


class FormPage(Page):
    """A route of a form: what is sent too late is kept before anybody is asked."""

    async def when_late(self, request: Request, needed: SignInNeeded) -> str | None:
        """Keep what was sent by who was signed in; name where it will be found.

        Only for the session that printed the form, and only if nobody ended it: what
        a stranger writes under another's name is not kept.
        """
        if request.method != "POST" or needed.why is not None:
            return None
        async with parts_of(request).sessions() as records:
            printed_for = await session_of_form(records, await _token_hash(request))
            if printed_for is None or Role(printed_for.role) is not needed.role:
                return None
            if not await ended_by_itself(records, printed_for):
                return None
        return await _keep_for(printed_for.account, request)

    async def when_printed_before(self, request: Request, who: SignedIn) -> str | None:
        """Keep what one sends from a page of one's own earlier session."""
        async with parts_of(request).sessions() as records:
            printed_for = await session_of_form(records, await _token_hash(request))
        if printed_for is None or printed_for.account != who.account:
            return None
        return await _keep_for(who.account, request)


async def _token_hash(request: Request) -> str:
    form = await request.form()
    return hash_of(str(form.get("form_token", "")))


async def _keep_for(account: str, request: Request) -> str:
    written = await written_in(request)
    path = request.url.path
    form = behind_language(path)[:_LONGEST_ADDRESS]
    async with parts_of(request).sessions.begin() as session:
        await keep_draft(session, account, form, written.key, written.answers)
    shows = written.step in {Step.CHECK, Step.SEND}
    return f"{path}?{_STEP}={_CHECK}" if shows else path


Build = Callable[..., Form[Any]] | Callable[..., Awaitable[Form[Any]]]


def form_router(address: str, build: Build) -> APIRouter:
    """Make the two routes of a form; *build* makes it for who asks, or refuses."""
    router = APIRouter(route_class=FormPage, include_in_schema=False)
    address = f"/{{language:fr_or_en}}{address}"

    @router.get(address)
    async def write(
        form: Annotated[Form[Any], Depends(build)],
        step: Annotated[str, Query(alias=_STEP)] = "",
    ) -> Response:
        return await form.show(step)

    @router.post(address, dependencies=[Depends(own_form)])
    async def take(
        form: Annotated[Form[Any], Depends(build)], written: FormWritten
    ) -> Response:
        return await form.take(written)

    return router
