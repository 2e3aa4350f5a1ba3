"""The demonstration: some months of a district up to now, played through the real actions at their own times.

Seeded; every case is marked as sample, and so is the district, which every page then says. Nothing of it is inserted as
rows: who may do what, limits, chains and notices are those of the program.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.cases.demo import present
from shaodao.cases.demo.life import house, life
from shaodao.cases.demo.story import Plan, Story
from shaodao.cases.demo.world import World
from shaodao.cases.models import Case, CaseEvent, Report
from shaodao.catalogue.models import Category
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import District

A_MONTH = 125  # stories that begin in thirty days
ROUNDS = timedelta(hours=6)  # between two rounds of the house's clock
HOURS = {  # how much is noticed in each hour, by the topic's habit
    "day": [0, 0, 0, 0, 0, 1, 3, 6, 9, 9, 8, 6, 4, 4, 6, 7, 7, 6, 4, 3, 2, 1, 0, 0],
    "rush": [0, 0, 0, 0, 0, 1, 4, 10, 9, 4, 3, 4, 4, 3, 3, 4, 6, 10, 10, 6, 3, 1, 0, 0],
    "night": [1, 0, 0, 0, 0, 1, 2, 3, 3, 3, 2, 2, 2, 2, 2, 2, 3, 5, 8, 10, 10, 9, 6, 3],
}
WEEKDAYS = [10, 9, 9, 9, 10, 7, 6]
Move = Callable[..., None]


def play(months: int = 3, seed: int = 1, progress: Move | None = None) -> dict[str, Any]:
    """Play `months` of a district up to now, all or nothing.

    Returns {"cases", "reports", "events", "states": {…}, "actions": {…}}. `progress(total=n)`, then `progress(n)`.
    Raises Refused when there are cases already, or no district or catalogue to play in.
    """
    _may_play()
    now = clock.now()
    with transaction.atomic():
        District.objects.update(sample=True)
        district.forget()
        world = World(Random(seed))  # noqa: S311
        for at, plan in [*_past(world, now, months, seed), *present.plans(world, now, seed)]:
            world.add(at, life(Story(world, plan)))
        first = now - timedelta(days=30 * months)
        world.add(first, house(world, ROUNDS))
        _watched(world.run(now), first, months, progress)
    actions = {k: v for k, v in sorted(world.counts.items()) if not k.startswith("overtaken: ")}
    return {
        "cases": Case.objects.count(),
        "reports": Report.objects.count(),
        "events": CaseEvent.objects.count(),
        "states": dict(sorted(Counter(Case.objects.values_list("state", flat=True)).items())),
        "actions": actions,
    }


def _may_play() -> None:
    if Case.objects.filter(sample=False).exists():
        raise Refused(_("数据库里已有真实案件，不能混入示例数据"))
    if Case.objects.exists():
        raise Refused(_("示例数据已经装载过；如需重来，请换一个空数据库"))
    if not district.current().code or not Category.objects.filter(active=True, scheme__active=True).exists():
        raise Refused(_("还没有装载区划数据包，请先运行 shaodao pack load"))


def _watched(steps: Iterator[datetime], first: datetime, months: int, progress: Move | None) -> None:
    """Take all steps; the progress bar moves by simulated days."""
    if progress:
        progress(total=30 * months)
    days = 0
    for at in steps:
        if progress and (at - first).days > days:
            progress((at - first).days - days)
            days = (at - first).days


def _past(world: World, now: datetime, months: int, seed: int) -> list[tuple[datetime, Plan]]:
    """When stories begin and what they are about: more on weekdays and busy hours, in busy streets, of common topics."""
    rng, plans = world.rng, []
    for number in range(A_MONTH * months):
        topic, category = world.topic(rng)
        community, lon, lat = world.spot(rng)
        while True:
            day = clock.local(now - timedelta(days=rng.uniform(0, 30 * months)))
            if rng.random() < WEEKDAYS[day.weekday()] / 10:
                break
        hour = rng.choices(range(24), HOURS[topic.hours])[0]
        at = day.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0)
        if at < now - timedelta(hours=1):
            plans.append((at, Plan(f"{seed}-{number}", topic, category, community, lon, lat)))
    return sorted(plans, key=lambda pair: pair[0])
