"""The same letters for machines: tests, and whoever asks what the relay took."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from embedded.inbox_pages.desk import desk_of
from embedded.letterbox import Letter, Letterbox


async def alive(_: Request) -> Response:
    """Say that the inbox serves."""
    return PlainTextResponse("ok")


async def all_letters(request: Request) -> Response:
    """List the letters, or those after an id, oldest first."""
    box = desk_of(request).box
    letters = list(box.letters(after=request.query_params.get("after", "")))
    # Opening thousands must not keep the relay from answering.
    said = await asyncio.to_thread(lambda: [_said(box, letter) for letter in letters])
    return JSONResponse(said)


async def one_letter(request: Request) -> Response:
    """Tell one letter by its id."""
    box = desk_of(request).box
    return await _answer(box, box.letter(request.path_params["id"]))


async def relay_log(request: Request) -> Response:
    """Say whether the relay took a Message-ID: 200 with the letter, or 404."""
    box = desk_of(request).box
    return await _answer(box, box.accepted(request.path_params["message_id"]))


async def _answer(box: Letterbox, letter: Letter | None) -> Response:
    if letter is None:
        return JSONResponse({"detail": "not found"}, status_code=404)
    return JSONResponse(await asyncio.to_thread(_said, box, letter))


def _said(box: Letterbox, letter: Letter) -> dict[str, Any]:
    opened = box.opened(letter)
    return {
        "id": letter.id,
        "message_id": letter.message_id,
        "to": list(letter.recipients),
        # Of the envelope, as return_path says more plainly.
        "from": letter.return_path,
        "return_path": letter.return_path,
        "subject": letter.subject,
        "date": letter.date,
        "received_at": letter.received_at.isoformat(),
        "text": next((words for words in (opened.text, opened.html) if words), ""),
        "html": opened.html,
        "attachments": [
            {"name": one.name, "kind": one.kind, "size": one.size_bytes}
            for one in opened.attachments
        ],
    }
