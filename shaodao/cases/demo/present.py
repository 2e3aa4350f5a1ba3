"""Cases that are open *now*, planned backwards from now, so that every list has green, yellow and red in it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from shaodao.cases.demo.story import Plan
from shaodao.cases.demo.world import World, before
from shaodao.foundation.district import Limit
from shaodao.organisations.models import Post
from shaodao.places.models import Place

Times = dict[str, datetime]
GREEN, YELLOW, RED = 0.4, 0.88, 2.2


def plans(world: World, now: datetime, seed: int) -> list[tuple[datetime, Plan]]:
    """(when it is reported, plan) of each: how many of which kind is the list below."""
    limits = world.settings.limits
    made: list[tuple[datetime, Plan]] = []

    def plan(
        stop: str,
        times: Times | float | Callable[[Limit], Times],
        way: str = "dispatch",
        kind: str = "",
        *,
        within: Sequence[Place] = (),
        staged: bool = False,
    ) -> None:
        """`times`: of the steps (or what they are under a handling limit), or the share of it that is used by now."""
        topic, category = world.topic(world.rng)
        conditions = [c for c in category.conditions.all() if c.active and not c.stages]
        condition = world.rng.choice(conditions) if conditions else None
        if staged and (found := world.staged(world.rng)):
            topic, category, condition = found
        limit = Limit(condition.limit_value, condition.limit_unit) if condition else limits.handle
        if isinstance(times, float):
            times = lead_up("assign", before(now, limit, times))
        elif callable(times):
            times = times(limit)
        community, lon, lat = world.spot(world.rng, within)
        number = f"{seed}-now-{len(made)}"
        row = Plan(
            number,
            topic,
            category,
            community,
            lon,
            lat,
            way=way,
            whistle_kind=kind,
            stop=stop,
            times=times,
            condition=condition,
        )
        made.append((times["report"], row))

    def several(stop: str, step: str, limit: Limit, shares: dict[float, int], way: str = "dispatch") -> None:
        """Stop after `step`, done so long ago that these shares of the limit which it started are used."""
        for share, n in shares.items():
            for _i in range(n):
                at = before(now, limit, share * world.rng.uniform(0.92, 1.05))
                plan(stop, lead_up(step, at), way)

    several("report", "report", limits.intake, {GREEN: 4, YELLOW: 2, RED: 2})
    several("precheck", "ask", limits.precheck, {GREEN: 2, RED: 1})
    several("file", "file", limits.dispatch, {GREEN: 4, YELLOW: 1, RED: 2})
    several("assign", "assign", limits.sign, {GREEN: 5, YELLOW: 1, RED: 2})
    several("verify", "verify", limits.close, {GREEN: 3, RED: 1})
    several("finish", "finish", limits.verify, {GREEN: 4, YELLOW: 1, RED: 2})
    several("work", "take", limits.handle, {0.02: 6})
    _handling(world, now, plan)
    _whistles(world, now, plan)
    _waiting(world, now, plan)
    _appeals(now, plan)
    _desks(now, plan)
    return made


ORDER = ("report", "ask", "file", "assign", "sign", "arrive", "take", "finish", "verify")
BEFORE = {
    "ask": 6,
    "file": 11,
    "assign": 9,
    "sign": 14,
    "arrive": 12,
    "take": 3,
    "finish": 190,
    "verify": 21,
}  # minutes


def lead_up(step: str, at: datetime) -> Times:
    """The steps up to one that happens at `at`, each some minutes after the one before it."""
    times, moment = {step: at}, at
    for name, earlier in zip(ORDER[ORDER.index(step) : 0 : -1], ORDER[ORDER.index(step) - 1 :: -1], strict=False):
        if earlier == "ask" and step != "ask":
            times["ask"] = moment
            continue
        moment -= timedelta(minutes=BEFORE[name])
        times[earlier] = moment
    return times


def _handling(world: World, now: datetime, plan: Callable[..., None]) -> None:
    """Departments at work, with the catalogue's own limits: far from due, nearly due, overdue."""
    for share, n in {0.1: 5, 0.35: 7, 0.6: 5, 0.9: 7, 1.3: 5, 2.5: 3}.items():
        for _i in range(n):
            plan("take", share)
    for share in (0.3, 0.7, 1.2):
        plan("take", share, "self")


def _whistles(world: World, now: datetime, plan: Callable[..., None]) -> None:
    """Each kind of whistle: waiting for the leader, waiting for the departments to report in, with them on the spot."""
    kinds = [k.code for k in world.settings.whistle_kinds]
    for i, kind in enumerate(kinds):
        early = now - timedelta(minutes=35 + 25 * i)
        plan("draft", {"report": early, "file": early + timedelta(minutes=9), "draft": now - timedelta(minutes=6 + 9 * i)},
             "whistle", kind)  # fmt: skip
        for minutes in (12, 26 + 18 * i):  # reporting in is due after 30
            sent = now - timedelta(minutes=minutes)
            times = {"report": sent - timedelta(minutes=50), "file": sent - timedelta(minutes=41),
                     "draft": sent - timedelta(minutes=20), "assign": sent}  # fmt: skip
            plan("assign" if minutes == 12 else "sign", times | {"sign": sent + timedelta(minutes=8)}, "whistle", kind)
        sent = now - timedelta(hours=3 + 5 * i)
        times = {"report": sent - timedelta(minutes=70), "file": sent - timedelta(minutes=60),
                 "draft": sent - timedelta(minutes=25), "assign": sent, "sign": sent + timedelta(minutes=9),
                 "arrive": sent + timedelta(minutes=24)}  # fmt: skip
        plan("take", times, "whistle", kind)


def _waiting(world: World, now: datetime, plan: Callable[..., None]) -> None:
    """What waits for somebody's word: requests for time, disputes, returned cases; and what rests."""
    for stop, hours in (("extension", 3), ("extension", 5), ("extension", 20), ("suspension", 4), ("suspension", 22)):
        plan(stop, lead_up("assign", now - timedelta(hours=hours)) | {"ask": now - timedelta(minutes=12 * hours)})
    for days in (6, 11, 19, 27):
        asked = now - timedelta(days=days)
        plan(
            "suspended",
            lead_up("assign", asked - timedelta(hours=2)) | {"ask": asked, "grant": asked + timedelta(hours=1)},
        )
    for hours in (3, 9, 30):
        plan("dispute", lead_up("assign", now - timedelta(hours=hours)) | {"dispute": now - timedelta(hours=hours - 1)})
    for minutes in (70, 100):
        plan("returned", lead_up("assign", now - timedelta(minutes=minutes)))


def _desks(now: datetime, plan: Callable[..., None]) -> None:
    """Something to do on the desk of every account that one can try, and work in stages."""
    for share in (0.1, 0.5, 0.9):
        plan("take", share, staged=True)
    posts = Post.objects.filter(
        person__sample=True, role__in=["street", "community"], organisation__place__isnull=False
    )
    tried = posts.exclude(person__password__startswith=UNUSABLE_PASSWORD_PREFIX).select_related("organisation__place")
    for post in tried.order_by("pk"):
        place = post.organisation.place
        assert place is not None
        if post.role == "community":
            for stop, minutes in (("precheck", 12), ("finish", 20)):
                at = now - timedelta(minutes=minutes)
                plan(stop, lead_up("ask" if stop == "precheck" else "finish", at), within=[place])
        else:
            communities = list(Place.objects.filter(parent=place, active=True))
            for share in (0.2, 0.85):
                plan("take", share, "self", within=communities)


def _appeals(now: datetime, plan: Callable[..., None]) -> None:
    """Cases that closed late some hours ago, and what has become of their department's appeal by now."""
    for hours, stop in ((5, "new"), (9, "new"), (20, "first"), (30, "split"), (40, "upheld"), (44, "rejected"),
                        (50, "third"), (52, "withdrawn")):  # fmt: skip
        plan(f"appeal-{stop}", partial(_closed_late, now - timedelta(hours=hours)))


def _closed_late(finished: datetime, limit: Limit) -> Times:
    """The steps of a case that was handed back when one and a half of its limit was used."""
    return lead_up("assign", before(finished, limit, 1.5)) | {
        "finish": finished,
        "verify": finished + timedelta(minutes=21),
        "close": finished + timedelta(minutes=50),
        "appeal": finished + timedelta(hours=2),
    }
