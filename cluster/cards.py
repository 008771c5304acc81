"""A stand-in for Stripe's interface, as payments/stripe.py asks it; no money moves.

Whoever pays posts to the address that a session bears, with the instant of the capture.
What it tells the service is signed, and told again until somebody takes it.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from embedded.ports import LOOPBACK
from payments.signing import sign_stripe

_AGAIN_S = 1.0
_TRIES = 600


@dataclass
class Account:
    """One account at the provider: its sessions, by the names the product gave them."""

    base: str
    api_key: str
    webhook_key: str
    doors: Sequence[str]
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: dict[str, int] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    messages: set[asyncio.Task[None]] = field(default_factory=set)
    count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def begin(self, said: dict[str, str], key: str) -> dict[str, Any]:
        """Begin a session, or find the one begun under the same key."""
        name = f"cs_{key}"
        if name not in self.sessions:
            self.created[name] = int(time.time())
            self.sessions[name] = {
                "id": name,
                "amount_total": int(said["line_items[0][price_data][unit_amount]"]),
                "client_reference_id": said["client_reference_id"],
                "metadata": {
                    "session": said["metadata[session]"],
                    "invoice": said["metadata[invoice]"],
                },
                "payment_intent": None,
                "payment_status": "unpaid",
                "status": "open",
                "url": f"{self.base}/pay/{name}",
            }
        return self.sessions[name]

    def pay(self, name: str, at: int) -> bool:
        """Capture, once; False for a session that ended otherwise."""
        session = self.sessions[name]
        if session["status"] == "open":
            charge = {
                "amount_captured": session["amount_total"],
                "amount_refunded": 0,
                "captured": True,
                "created": at,
                "currency": "cad",
                "disputed": False,
                "metadata": session["metadata"],
                "payment_intent": f"pi_{name}",
            }
            session |= {
                "payment_intent": {"id": f"pi_{name}", "latest_charge": charge},
                "payment_status": "paid",
                "status": "complete",
                "url": None,
            }
            self.tell("charge.succeeded", charge)
        return bool(session["payment_status"] == "paid")

    def refund(self, said: dict[str, str]) -> dict[str, Any]:
        """Give money back."""
        given = {
            "id": f"re_{next(self.count)}",
            "amount": int(said["amount"]),
            "metadata": {"key": said["metadata[key]"]},
            "payment_intent": said["payment_intent"],
            "status": "succeeded",
        }
        self.refunds.append(given)
        session = self.sessions[said["payment_intent"].removeprefix("pi_")]
        charge = session["payment_intent"]["latest_charge"]
        charge["amount_refunded"] += given["amount"]
        self.tell("charge.refunded", charge)
        return given

    def tell(self, kind: str, carried: dict[str, Any]) -> None:
        """Send a message until it is taken."""
        message = {
            "id": f"evt_{next(self.count)}",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": carried},
        }
        task = asyncio.get_running_loop().create_task(self._send(json.dumps(message)))
        self.messages.add(task)
        task.add_done_callback(self.messages.discard)

    async def _send(self, body: str) -> None:
        doors = itertools.cycle(self.doors)
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            for _ in range(_TRIES):
                at = str(int(time.time()))
                signature = sign_stripe(body.encode(), at, self.webhook_key)
                with suppress(httpx2.HTTPError):
                    answer = await http.post(
                        f"{next(doors)}/api/v1/webhooks/payments",
                        content=body,
                        headers={"stripe-signature": f"t={at},v1={signature}"},
                    )
                    if answer.is_success:
                        return
                await asyncio.sleep(_AGAIN_S)


def provider_app(account: Account) -> Starlette:
    """Build the provider's interface."""
    v1 = "/v1/checkout/sessions"
    app = Starlette(
        routes=[
            Route("/livez", _alive),
            Route(v1, _begin, methods=["POST"]),
            Route(v1, _list, methods=["GET"]),
            Route(f"{v1}/{{name}}", _show, methods=["GET"]),
            Route(f"{v1}/{{name}}/expire", _expire, methods=["POST"]),
            Route("/v1/refunds", _refunds, methods=["GET"]),
            Route("/v1/refunds", _refund, methods=["POST"]),
            Route("/pay/{name}", _pay, methods=["POST"]),
        ]
    )
    app.state.account = account
    return app


async def _alive(_: Request) -> Response:
    return JSONResponse({})


async def _begin(request: Request) -> Response:
    if not _is_known(request):
        return _fault(401, "invalid_api_key")
    key = request.headers["idempotency-key"]
    return JSONResponse(_account(request).begin(await _form(request), key))


async def _list(request: Request) -> Response:
    account = _account(request)
    since = int(request.query_params.get("created[gte]", "0"))
    data = [s for n, s in account.sessions.items() if account.created[n] >= since]
    return JSONResponse({"data": data, "has_more": False})


async def _show(request: Request) -> Response:
    session = _account(request).sessions.get(request.path_params["name"])
    return _fault(404, "resource_missing") if session is None else JSONResponse(session)


async def _expire(request: Request) -> Response:
    session = _account(request).sessions.get(request.path_params["name"])
    if session is None or session["status"] != "open":
        return _fault(400, "session_not_open")
    session["status"] = "expired"
    return JSONResponse(session)


async def _refunds(request: Request) -> Response:
    of = request.query_params.get("payment_intent")
    data = [r for r in _account(request).refunds if r["payment_intent"] == of]
    return JSONResponse({"data": data, "has_more": False})


async def _refund(request: Request) -> Response:
    return JSONResponse(_account(request).refund(await _form(request)))


async def _pay(request: Request) -> Response:
    at = int(request.query_params["at"])
    paid = _account(request).pay(request.path_params["name"], at)
    return JSONResponse({"paid": paid}, 200 if paid else 409)


def _account(request: Request) -> Account:
    account = request.app.state.account
    assert isinstance(account, Account)
    return account


def _is_known(request: Request) -> bool:
    bearer = f"Bearer {_account(request).api_key}"
    return request.headers.get("authorization") == bearer


def _fault(status: int, code: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": code}}, status)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def main() -> None:
    """Read the command line and serve on the loopback address."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--secrets", type=Path, required=True)
    asked.add_argument("--tells", nargs="+", required=True)
    chosen = asked.parse_args()
    account = Account(
        base=f"http://{LOOPBACK}:{chosen.port}",
        api_key=(chosen.secrets / "echeance_stripe_api_key").read_text(),
        webhook_key=(chosen.secrets / "echeance_payment_webhook_secret").read_text(),
        doors=chosen.tells,
    )
    uvicorn.run(
        provider_app(account),
        host=LOOPBACK,
        port=chosen.port,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
