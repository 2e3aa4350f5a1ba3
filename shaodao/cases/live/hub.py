"""One reader for many listeners: the feed is read once for all of them, each hears what it may see.

PostgreSQL's NOTIFY wakes the reader; without it (SQLite, or a lost connection) it looks every `POLL` seconds. Nobody
listening: nothing is read. A listener that does not take its events is let go: it comes back with its last id.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection

from shaodao.cases.facts import ActorFacts
from shaodao.cases.live import feed
from shaodao.foundation.outbox import WAKE

log = logging.getLogger("shaodao.live")
POLL = 0.25  # seconds
QUEUE = 256  # events that wait for one listener at most
T = TypeVar("T")


async def in_thread(call: Callable[..., T], *args: Any) -> T:
    """Run something that uses the database, beside the loop."""

    def run() -> T:
        close_old_connections()
        try:
            return call(*args)
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False)()


class Listener:
    """One open stream: a bounded queue of (id to come back with, body)."""

    def __init__(self, actor: ActorFacts) -> None:
        self.actor = actor
        self.queue: asyncio.Queue[tuple[int, int, bytes]] = asyncio.Queue(QUEUE)
        self.lost = asyncio.Event()

    def offer(self, item: feed.News, floor: int) -> None:
        """Queue an event if this listener may see it; one that is too slow is lost."""
        if not item.seen_by(self.actor):
            return
        try:
            self.queue.put_nowait((item.id, min(item.id, floor), item.data))
        except asyncio.QueueFull:
            self.lost.set()


class Hub:
    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.feed: feed.Feed | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._joining = asyncio.Lock()

    async def join(self, actor: ActorFacts) -> tuple[Listener, int]:
        """Start to listen; answers the listener and the floor it starts from."""
        async with self._joining:
            if self.feed is None:
                self.feed = await in_thread(feed.Feed)
            listener = Listener(actor)
            self.listeners.add(listener)
            if not self._tasks:
                self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]
            return listener, self.feed.floor

    async def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        async with self._joining:
            if not self.listeners:
                await self.stop()

    async def stop(self) -> None:
        """End the reader; the next listener starts from what stands then."""
        tasks, self._tasks, self.feed = self._tasks, [], None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            source = self.feed
            try:
                rows = await in_thread(source.read) if source else []
            except Exception:
                log.exception("the outbox could not be read")
                await asyncio.sleep(2)
                continue
            for listener in list(self.listeners) if rows else ():
                for item in rows:
                    listener.offer(item, source.floor if source else item.id)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL)

    async def _listen(self) -> None:
        """Be woken by PostgreSQL; without it the reader's own pace is enough."""
        if connection.vendor != "postgresql":
            return
        import psycopg

        parameters = {k: v for k, v in connection.get_connection_params().items() if k in LIBPQ}
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as opened:
                    await opened.execute(f"LISTEN {WAKE}")
                    async for _notice in opened.notifies():
                        self._wake.set()
            except psycopg.Error as error:
                log.warning("not listening: %s", error)
            await asyncio.sleep(5)


LIBPQ = {"dbname", "user", "password", "host", "port", "sslmode", "service", "passfile"}
