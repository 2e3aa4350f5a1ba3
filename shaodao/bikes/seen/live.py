"""GET /events/bikes: says that positions came in, to pages that then ask for what changed (`/bikes/map/changes/`).

The ingest writes no event for a position. Its counter of calls, which it raises in its own transaction
(FeedQuality.calls, one row for each operator, door and day), is the pulse: one reader asks for it once a second for all
listeners, and only while somebody listens.
"""

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import Any

import orjson
from django.db.models import Count, Sum

from shaodao.bikes import queries
from shaodao.bikes.models import FeedQuality
from shaodao.cases.facts import ActorFacts
from shaodao.cases.live import stream
from shaodao.cases.live.hub import in_thread
from shaodao.foundation import clock

log = logging.getLogger("shaodao.live")
PATH = "/events/bikes"
POLL = 1.0  # seconds


def pulse() -> str:
    """Changes with every call that the ingest has answered, on any database. One query over some rows."""
    since = clock.local(clock.now()).date() - timedelta(days=1)
    found = FeedQuality.objects.filter(day__gte=since).order_by().aggregate(n=Count("pk"), calls=Sum("calls"))
    return f"{since}.{found['n']}.{found['calls'] or 0}"


def hearer(headers: dict[str, str]) -> ActorFacts | None:
    """Who listens, if there is something to look at for them in this room."""
    facts = stream.caller(headers)
    return facts if facts and queries.may_enter(facts) else None


class Bikes:
    """The ASGI application of this stream; all other addresses, and the process's begin and end, are `other`'s."""

    def __init__(self, other: Any) -> None:
        self.other = other
        self.listeners: set[asyncio.Event] = set()
        self._reader: asyncio.Task[None] | None = None

    async def __call__(self, scope: stream.Scope, receive: stream.Receive, send: stream.Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._http(scope, receive, send)
        else:
            await self.other(scope, receive, send)

    async def _http(self, scope: stream.Scope, receive: stream.Receive, send: stream.Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = stream.check({**scope, "path": stream.PATH}, headers)
        if not refusal and await in_thread(hearer, headers) is None:
            refusal = (401, "sign in with a post that may look at bikes, or use a token with the scope read")
        if not refusal and len(self.listeners) >= stream.MOST:
            refusal = (503, "too many streams")
        if refusal:
            await stream.problem(send, *refusal)
            return
        await send({"type": "http.response.start", "status": 200, "headers": stream.streaming(headers)})
        heard = asyncio.Event()
        self.listeners.add(heard)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        gone = asyncio.create_task(stream.until_gone(receive))
        try:
            await stream.write(send, event("ready"))
            await self._live(heard, headers, gone, send)
        except OSError:
            pass  # the other side hung up while we wrote
        finally:
            gone.cancel()
            self._leave(heard)
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _live(
        self, heard: asyncio.Event, headers: dict[str, str], gone: "asyncio.Task[None]", send: stream.Send
    ) -> None:
        loop = asyncio.get_running_loop()
        again = loop.time() + stream.AGAIN
        while not gone.done():
            coming = asyncio.ensure_future(heard.wait())
            await asyncio.wait({coming, gone}, timeout=stream.HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                heard.clear()
                await stream.write(send, event("bikes"))
            else:
                coming.cancel()
                if not gone.done():
                    await stream.write(send, b": still here\n\n")
            if loop.time() > again:
                if await in_thread(hearer, headers) is None:
                    return
                again = loop.time() + stream.AGAIN

    def _leave(self, heard: asyncio.Event) -> None:
        self.listeners.discard(heard)
        if not self.listeners and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read(self) -> None:
        last: str | None = None
        while True:
            try:
                now: str | None = await in_thread(pulse)
            except Exception:
                log.exception("the pulse of the bikes could not be read")
                now = last
            if last is not None and now != last:
                for heard in self.listeners:
                    heard.set()
            last = now
            await asyncio.sleep(POLL)


def event(name: str) -> bytes:
    """An event without words: what changed is asked for by each page, which shows what it may."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps({"at": clock.now()}))
