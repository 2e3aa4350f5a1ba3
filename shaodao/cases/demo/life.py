"""A whole life in the loop, and the house's own clock beside it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from shaodao.cases import tasks
from shaodao.cases.demo import handling, watching
from shaodao.cases.demo.story import Story
from shaodao.cases.demo.world import Play, World
from shaodao.foundation import clock


def life(s: Story) -> Play:
    """From the report to the end of the watch, and round again when it comes back."""
    rebounded = s.report()
    if s.p.stop == "report":
        return
    while True:
        if not rebounded:
            if s.chance(0.12):
                s.w.add(s.minutes(30, 3000), s.again())
            ended = yield from s.intake()
            if ended or (yield from s.assign()):
                return
        if (yield from handling.handle(s)) or (yield from handling.check(s)):
            return
        what = yield from watching.afterwards(s)
        if what == "end":
            return
        rebounded = what == "again"


def house(world: World, every: timedelta) -> Iterator[datetime]:
    """The clock's rounds: the ladder climbs, suspensions end, looks fall due, anchors are made."""
    while True:
        for part, n in tasks.tick(train=False, send=False).items():
            world.counts[f"tick {part}"] += n
        yield clock.now() + every
