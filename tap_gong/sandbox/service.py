"""The service as a client meets it: the manners around the endpoints."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import random
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tap_gong.sandbox.answers import Answer, Refusal, error, page
from tap_gong.sandbox.limits import Limits
from tap_gong.sandbox.options import ACCESS_KEY, ACCESS_KEY_SECRET
from tap_gong.sandbox.routes import ROUTES, Data, Inputs, Route
from tap_gong.sandbox.routes.scopes import need_scope

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Mapping

    from tap_gong.sandbox.faults import Faults
    from tap_gong.sandbox.options import Options

_AUTHORIZATION = b"Basic " + b64encode(f"{ACCESS_KEY}:{ACCESS_KEY_SECRET}".encode())


_GRACE_SECONDS = 0.02
_to_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class Arrival:
    """A request that arrived.

    Attributes:
        time: When, in seconds of the monotonic clock.
        method: Its HTTP method.
        path: Its path, decoded.
        query: Its query parameters by name.
        body: Its body parsed from JSON; text if it is no JSON; None without one.
        status: The status of the answer; None before it, and if there was none.
    """

    time: float
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int | None = None


class Service:
    """Answers requests: key, limits, scope, fault, latency, endpoint, in this order."""

    def __init__(
        self, options: Options, data: Data, faults: Faults, arrivals: list[Arrival]
    ) -> None:
        """Prepare the service.

        Args:
            options: How it behaves.
            data: What the endpoints answer from.
            faults: What goes wrong.
            arrivals: Where to note each request, if the options say so.
        """
        self._options = options
        self._data = data
        self._faults = faults
        self._arrivals = arrivals
        self._limits = Limits(
            options.requests_per_second,
            options.requests_per_day,
            options.quota_retry_after,
        )
        self._random = random.Random(options.seed)  # noqa: S311 - a repeatable jitter
        self._numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request.

        Args:
            request: The request.

        Returns:
            The response. A spoiled one has been sent already.
        """
        body = _parsed(await request.read())
        arrival = Arrival(
            time.monotonic(), request.method, request.path, dict(request.query), body
        )
        if self._options.record_requests:
            self._arrivals.append(arrival)
        request_id = f"sandbox{next(self._numbers):012}"
        fault = None
        try:
            route, call_id = _route(arrival)
            self._admit(arrival, route, request.headers.get("Authorization", ""))
            fault = self._faults.take(arrival.path, call_id)
            await self._stall(fault)
            if isinstance(fault, Answer):
                answer = fault
            else:
                inputs = Inputs(call_id, arrival.query, body)
                answer = Answer(200, route.answer(self._data, inputs))
        except Refusal as refusal:
            answer = refusal.answer
        arrival.status = None if fault == "reset" else answer.status
        content, headers = _encoded(answer, request_id)
        if fault in ("truncated", "reset", "drip"):
            return await self._spoiled(request, fault, answer.status, content, headers)
        return web.Response(status=answer.status, body=content, headers=headers)

    def _admit(self, arrival: Arrival, route: Route, authorization: str) -> None:
        if not hmac.compare_digest(
            authorization.encode(errors="replace"), _AUTHORIZATION
        ):
            raise Refusal(error(401, "Access key or secret is wrong"))
        wait = self._limits.admit(arrival.time)
        if wait is not None:
            raise Refusal(error(429, "API request limit exceeded", wait))
        need_scope(route.scope, self._options.scopes)

    async def _stall(self, fault: Answer | str | None) -> None:
        seconds = self._options.latency
        if seconds:
            seconds *= 1 + self._options.latency_jitter * self._random.uniform(-1, 1)
        if fault == "slow":
            seconds += self._options.slow_seconds
        if seconds:
            await asyncio.sleep(seconds)

    async def _spoiled(
        self,
        request: web.BaseRequest,
        fault: Answer | str | None,
        status: int,
        content: bytes,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        """Send the right answer in a wrong way."""
        transport = request.transport
        if transport is None:  # the client is gone
            return web.Response()
        if fault == "reset":
            transport.abort()
            return web.Response()
        length = {"Content-Length": str(len(content))}
        response = web.StreamResponse(status=status, headers={**headers, **length})
        await response.prepare(request)
        if fault == "truncated":
            await response.write(content[: len(content) // 2])
            transport.close()
        else:
            for place in range(len(content)):
                await response.write(content[place : place + 1])
                await asyncio.sleep(self._options.drip_seconds)
        return response


async def serve(
    service: Service,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    stopping: asyncio.Event,
) -> None:
    """Serve on a socket until told to stop, then drop what is still in flight.

    Args:
        service: What answers.
        listener: A socket that listens already.
        tls: Serve HTTPS with this context.
        stopping: Set to stop.
    """
    server = web.Server(service.handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        await stopping.wait()
        # asyncio accepts in two steps, and a server that is closed between them
        # leaves the new connection open: end the first step, and let the second run.
        asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)
    finally:
        await runner.cleanup()


def _route(arrival: Arrival) -> tuple[Route, str]:
    """Find the endpoint of a request, and the call ID in its path or an empty text."""
    matches = [
        (route, match.groupdict().get("call_id", ""))
        for route in ROUTES
        if (match := route.path.fullmatch(arrival.path))
    ]
    if not matches:
        raise Refusal(Answer(404, page("404 Not Found")))
    for route, call_id in matches:
        if route.method == arrival.method:
            return route, call_id
    raise Refusal(error(405, "Method Not Allowed"))


def _parsed(body: bytes) -> object:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _encoded(answer: Answer, request_id: str) -> tuple[bytes, dict[str, str]]:
    """Encode the body, and complete the headers."""
    if isinstance(answer.body, str):
        text, content_type = answer.body, "text/html;charset=UTF-8"
    else:
        body = {"requestId": request_id, **answer.body}
        text = _to_json(body)
        content_type = "application/json;charset=UTF-8"
    headers = {"Content-Type": content_type, "x-traceid": request_id, **answer.headers}
    return text.encode(), headers
