"""GET /events: the hub's news as `text/event-stream`, for signed-in staff and for tokens with the scope `read`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from shaodao.cases.actions import Actor
from shaodao.cases.facts import ActorFacts
from shaodao.cases.live import feed
from shaodao.cases.live.hub import Hub, Listener, in_thread
from shaodao.foundation import clock
from shaodao.organisations import tokens

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
PATH = "/events"
HEARTBEAT = 15.0  # seconds without news until a comment keeps the connection open
AGAIN = 60.0  # seconds until it is asked again whether the caller may still listen
MOST = 1000  # streams of this process


class Stream:
    """The ASGI application of the event stream."""

    def __init__(self) -> None:
        self.hub = Hub()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"].rpartition(".")[2]
            if kind == "shutdown":
                await self.hub.stop()
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = check(scope, headers)
        actor = None if refusal else await in_thread(caller, headers)
        if not refusal and actor is None:
            refusal = (401, "sign in, or use a token with the scope read")
        if not refusal and len(self.hub.listeners) >= MOST:
            refusal = (503, "too many streams")
        if refusal or actor is None:
            await problem(send, *(refusal or (401, "")))
            return
        await self._stream(headers, actor, receive, send)

    async def _stream(self, headers: dict[str, str], actor: ActorFacts, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": streaming(headers)})
        listener, floor = await self.hub.join(actor)
        gone = asyncio.create_task(until_gone(receive))
        try:
            sent = await replay(headers.get("last-event-id", ""), floor, actor, send)
            await self._live(listener, sent, headers, gone, send)
        except OSError:
            pass  # the other side hung up while we wrote
        finally:
            gone.cancel()
            await self.hub.leave(listener)
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _live(
        self, listener: Listener, sent: set[int], headers: dict[str, str], gone: "asyncio.Task[None]", send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        again = loop.time() + AGAIN
        while not gone.done() and not listener.lost.is_set():
            coming = asyncio.ensure_future(listener.queue.get())
            await asyncio.wait({coming, gone}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                number, back, body = coming.result()
                if number not in sent:
                    await write(send, event(body, back))
            else:
                coming.cancel()
                if not gone.done():
                    await write(send, b": still here\n\n")
            if loop.time() > again:
                fresh = await in_thread(caller, headers)
                if fresh is None:
                    return
                listener.actor, again = fresh, loop.time() + AGAIN


def check(scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
    """Why a request is refused before anybody asks who it is."""
    if scope["path"] != PATH:
        return 404, "the stream is at /events"
    if scope["method"] != "GET":
        return 405, "GET only"
    domain, _port = split_domain_port(headers.get("host", ""))
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return 400, "unknown host"
    return None


def caller(headers: dict[str, str]) -> ActorFacts | None:
    """Who listens: the person behind the token or the session, with posts; None for anybody else."""
    authorization = headers.get("authorization", "")
    if authorization:
        token = tokens.find(authorization.removeprefix("Bearer ").strip(), clock.now())
        person: Any = token.person if token and "read" in token.scopes else None
    else:
        person = signed_in(headers.get("cookie", ""))
    if person is None:
        return None
    facts = Actor.of(person).facts
    return facts if facts.posts else None


def signed_in(cookie: str) -> Any:
    """The person of a session cookie, checked as Django checks it (a changed password ends the session)."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(cookie)
    except CookieError:
        return None
    if settings.SESSION_COOKIE_NAME not in jar:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(jar[settings.SESSION_COOKIE_NAME].value)
    person = get_user(request)
    return person if person.is_authenticated and person.is_active else None


async def replay(last: str, floor: int, actor: ActorFacts, send: Send) -> set[int]:
    """Say where the stream stands, after what was missed since `Last-Event-ID`; answers the ids that went out.

    Who is too far behind, or comes with an id from elsewhere, is told to read the list again (`event: reset`).
    """
    sent: set[int] = set()
    known = int(last) if last.isascii() and last.isdigit() and len(last) <= 15 else None
    if known is not None and (known > floor or floor - known > feed.FURTHEST):
        await write(send, event(b"{}", floor, "reset"))
    elif known is not None:
        after, until = known, max(await in_thread(feed.last_id), floor)
        while after < until:
            rows = await in_thread(feed.replay, after, min(until, after + feed.CHUNK))
            for item in rows:
                sent.add(item.id)
                if item.seen_by(actor):
                    await write(send, event(item.data, min(item.id, floor)))
            after += feed.CHUNK
    await write(send, event(b"{}", floor, "ready"))
    return {number for number in sent if number > floor}


def event(body: bytes, number: int, name: str = "case") -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), body)


async def write(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def streaming(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers of a stream; the program's own pages may read it from another port."""
    found = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"Origin"),
    ]
    if headers.get("origin") == settings.ORIGIN:
        found.append((b"access-control-allow-origin", settings.ORIGIN.encode()))
        found.append((b"access-control-allow-credentials", b"true"))
    return found


async def problem(send: Send, status: int, detail: str) -> None:
    """A refusal as problem details."""
    body = orjson.dumps({"type": "about:blank", "status": status, "detail": detail})
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="shaodao"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
