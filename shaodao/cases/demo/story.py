"""One case of the demonstration: what is planned, the small words of its story, the report, intake and dispatch.

A story is made of generators that act, then yield the time at which they go on. `Plan.times` fixes some steps (for the
cases that are open *now*), `Plan.stop` ends the story after a step; everything else is drawn from the story's own seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shaodao.cases.actions import Actor, Done, Submission, perform, report
from shaodao.cases.demo import pictures, texts
from shaodao.cases.demo.texts import Topic
from shaodao.cases.demo.world import Play, World, after
from shaodao.cases.models import Assignment, Case, Clock, Photo
from shaodao.cases.words import Channel, ClockKind
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import clock, uploads
from shaodao.foundation.district import Limit
from shaodao.foundation.models import Upload
from shaodao.places.models import Place

CHANNELS = {
    Channel.PUBLIC: 40, Channel.COMMUNITY: 22, Channel.HOTLINE: 16, Channel.INSPECTOR: 13, Channel.STREET: 5,
    Channel.DEPARTMENT: 2, Channel.SENSOR: 2,
}  # fmt: skip


@dataclass
class Plan:
    """What is fixed about a story before it begins."""

    seed: str
    topic: Topic
    category: Category
    community: Place
    lon: float
    lat: float
    channel: str = ""
    way: str = ""  # dispatch, whistle, self, decline, void; "" lets the dice decide
    whistle_kind: str = ""
    condition: Condition | None = None
    stop: str = ""  # the step after which nothing happens any more
    times: dict[str, datetime] = field(default_factory=dict)


class Story:
    """One case's way through the loop."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.w, self.p, self.rng = world, plan, Random(plan.seed)  # noqa: S311
        self.case: Case
        self.conditions = [c for c in plan.category.conditions.all() if c.active]
        drawn = self.rng.choice(self.conditions) if self.conditions else None
        self.condition: Condition | None = plan.condition or drawn
        self.text, self.address = texts.report(plan.topic, plan.community.name, self.rng)

    # ── small words ──────────────────────────────────────────────────────────────────────────────────────────────

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def when(self, step: str, drawn: Callable[[], datetime]) -> datetime:
        """The fixed time of a step, else a drawn one."""
        return self.p.times.get(step) or drawn()

    def within(self, limit: Limit, late: float = 0.1) -> datetime:
        """A time inside a limit for most, past it for a few."""
        return after(limit, self.rng.uniform(1.05, 2.4) if self.chance(late) else self.rng.triangular(0.1, 0.97, 0.45))

    def minutes(self, low: float, high: float) -> datetime:
        return clock.now() + timedelta(minutes=self.rng.uniform(low, high))

    def do(
        self, name: str, actor: Actor, *, on: int | None = None, reason: str = "", extra: Any = None, **data: Any
    ) -> Done:
        done = perform(name, self.case.pk, actor, on=on, reason=reason, data=data, extra=extra)
        self.case = done.case
        self.w.counts[name] += 1
        return done

    def now_plus(self, minutes: float) -> datetime:
        return clock.now() + timedelta(minutes=minutes)

    def evidence(self, dice: Random) -> list[int]:
        """One picture of the scene, drawn by other dice than the story's."""
        return [uploads.store(pictures.file(self.p.topic.scene, True, dice.randrange(3))).pk]

    def photos(self, share: float, *, fixed: bool = False) -> list[Upload]:
        """Pictures of the scene, sometimes two."""
        if not self.chance(share):
            return []
        variants = self.rng.sample(range(3), 2 if self.chance(0.25) else 1)
        return [uploads.store(pictures.file(self.p.topic.scene, fixed, v)) for v in variants]

    def ids(self, share: float, *, fixed: bool = False) -> list[int]:
        return [u.pk for u in self.photos(share, fixed=fixed)]

    def open(self) -> list[Assignment]:
        return list(self.case.assignments.filter(state__in=["sent", "signed", "arrived"]).order_by("-role", "id"))

    def street(self) -> Any:
        return next(s for s in self.w.streets if s.place_id == self.case.street_id)

    def of(self, assignment: Assignment) -> Actor:
        kind = self.w.organisations[assignment.organisation_id].kind
        return self.w.actor(kind if kind in ("street", "community") else "department", assignment.organisation_id)

    # ── the report ───────────────────────────────────────────────────────────────────────────────────────────────

    def report(self) -> bool:
        """Send it in; True when it brought a closed case back."""
        channel = self.p.channel or self.rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        if channel == Channel.COMMUNITY and not self.offices():
            channel = Channel.PUBLIC
        received = report(self.submission(channel), self.reporter(channel))
        self.case = received.case
        self.w.counts["report"] += 1
        return received.rebounded

    def come_back(self, submission: Submission) -> bool:
        """Report the same place again; True when that brought a closed case back, False when it made a new one."""
        received = report(submission, Actor.public())
        self.w.counts["report"] += 1
        self.case = received.case
        return received.rebounded

    def submission(self, channel: str) -> Submission:
        private = channel in (Channel.PUBLIC, Channel.HOTLINE)
        known = not private or self.chance(0.75)
        sensor = channel == Channel.SENSOR
        text = f"设备 S-{self.rng.randrange(100, 999)} 告警：{self.p.category.name}" if sensor else self.text
        return Submission(
            text=text,
            channel=channel,
            category=self.p.category if known else None,
            lon=self.p.lon,
            lat=self.p.lat,
            address=self.address,
            photos=[] if sensor or channel == Channel.HOTLINE else self.photos(0.7),
            sample=True,
            **(self.private() if private and self.chance(0.6) else {}),
        )

    def private(self) -> dict[str, Any]:
        return texts.reporter(self.rng)

    def reporter(self, channel: str) -> Actor:
        street = next(s for s in self.w.streets if s.place_id == self.p.community.parent_id)
        if channel == Channel.COMMUNITY:
            return self.w.actor("community", self.offices()[0])
        if channel == Channel.STREET:
            return self.w.actor("street", street.pk)
        if channel in (Channel.INSPECTOR, Channel.HOTLINE):
            return self.w.actor(str(channel))
        if channel == Channel.DEPARTMENT:
            return self.w.actor("department", self.w.departments[0].pk)
        return Actor.system() if channel == Channel.SENSOR else Actor.public()

    def offices(self) -> list[int]:
        """The community's own organisation, where it has one."""
        return [o.pk for o in self.w.organisations.values() if o.place_id == self.p.community.pk]

    def again(self) -> Play:
        """Somebody else reports the same: as "me too", or apart, and the clerk merges the two."""
        self.case.refresh_from_db()
        other = Submission(
            text=texts.report(self.p.topic, self.p.community.name, self.rng)[0], category=self.p.category, lon=self.p.lon,
            lat=self.p.lat, address=self.address, photos=self.photos(0.4), sample=True, **self.private(),
        )  # fmt: skip
        if self.chance(0.7):
            other.join = self.case.pk
            report(other, Actor.public())
            self.w.counts["me_too"] += 1
            return
        second = report(other, Actor.public()).case
        yield self.minutes(5, 40)
        clerk = self.w.actor("intake")
        if second.pk != self.case.pk:
            perform("merge", second.pk, clerk, data={"target": self.case.number}, reason="同一地点同一问题")
            self.w.counts["merge"] += 1
            if self.chance(0.2):
                yield self.minutes(20, 90)
                perform("unmerge", second.pk, clerk, reason="核对照片，不是同一处")
                self.w.counts["unmerge"] += 1

    # ── intake and dispatch ──────────────────────────────────────────────────────────────────────────────────────

    def intake(self) -> Any:
        """Pre-check, categorise, file or decline; True when the story ends here."""
        limits, way = self.w.settings.limits, self.p.way
        if self.p.stop == "precheck" or (not self.p.stop and self.chance(0.07)):
            yield self.when("ask", lambda: self.minutes(2, 10))
            self.do("request_precheck", self.w.actor("intake"))
            if self.p.stop == "precheck":
                return True
            yield self.within(limits.precheck, 0.15)
            self.do("precheck", self.w.actor("inspector"), passed=True, remark="属实", position=self.near(15))
        yield self.when("file", lambda: self.within(limits.intake, 0.08))
        clerk = self.w.actor("intake")
        if way == "decline" or (not way and self.chance(0.06)):
            self.do("decline", clerk, reason=self.rng.choice(texts.DECLINES))
            return True
        if not self.case.category_id or self.p.condition or self.chance(0.6):
            condition: dict[str, Any] = {"condition": self.condition.pk} if self.condition else {}
            self.do("categorise", clerk, category=self.p.category.pk, **condition)
        if way in ("self", "whistle"):
            return False
        self.do("file", clerk, reason="")
        if self.p.times.get("file") is None and self.chance(0.55):
            self.w.add(self.minutes(5, 300), self.publish())
        if way == "void" or (not way and self.chance(0.012)):
            yield self.minutes(5, 14)
            self.do("void", self.w.actor("duty_leader"), reason="与前一案件重复，误立")
            return True
        return self.p.stop == "file"

    def publish(self) -> Play:
        """Staff looked at it and let the public see a plain text and the pictures."""
        shown = list(Photo.objects.filter(case=self.case).values_list("upload_id", flat=True))
        text = texts.public(self.p.category.name, self.address)
        perform("publish", self.case.pk, self.w.actor("intake"),
                data={"published": True, "public_text": text, "public_photos": shown})  # fmt: skip
        self.w.counts["publish"] += 1
        yield from ()

    def assign(self) -> Any:
        """Dispatch, whistle or the street's own hands; True when the story ends here."""
        way = self.p.way or self.rng.choices(["dispatch", "whistle", "self"], [74, 11, 15])[0]
        if way == "self":
            yield self.when("assign", lambda: self.minutes(2, 13))
            self.do("self_handle", self.w.actor("street", self.street().pk))
            return False
        if way == "whistle":
            return (yield from self.whistle())
        yield self.when("assign", lambda: self.within(self.w.settings.limits.dispatch, 0.08))
        lead, supports = self.units()
        self.do("dispatch", self.w.actor("dispatcher"), lead=lead, supports=supports)
        return self.p.stop == "assign"

    def units(self, *, several: bool = False) -> tuple[int, list[int]]:
        """Who leads and who supports: the catalogue's units, where it names none the district's enforcement."""
        named = next((c for c in [self.condition, *self.conditions] if c and c.lead_id), None)
        lead = named.lead_id if named else self.by_code("ENFORCE", "URBAN")
        helpers = [o.pk for o in named.supports.all()] if named else []
        if several or self.chance(0.15):
            helpers += [self.by_code("URBAN"), self.by_code("TRAFFICPOL")]
        helpers = [h for h in dict.fromkeys(helpers) if h != lead]
        return int(lead or 0), helpers[: 2 if several or self.chance(0.4) else 0]

    def by_code(self, *codes: str) -> int:
        by_code = {o.code: o.pk for o in self.w.departments}
        return next((by_code[c] for c in codes if c in by_code), self.w.departments[0].pk)

    def whistle(self) -> Any:
        yield self.when("draft", lambda: self.minutes(5, 60))
        kind = self.p.whistle_kind or self.rng.choice(self.w.settings.whistle_kinds).code
        lead, supports = self.units(several=True)
        why = texts.WHISTLE_WHY.get(kind, "街道无法单独解决，请部门到场")
        street = self.street().pk
        self.do("whistle_draft", self.w.actor("street", street), kind=kind, lead=lead, supports=supports, reason=why)
        if self.p.stop == "draft":
            return True
        yield self.when("assign", lambda: self.minutes(4, 40))
        on = self.case.whistles.get(state="draft").pk
        if not self.p.stop and self.chance(0.06):
            self.do("whistle_reject", self.w.actor("street_leader", street), on=on, reason="先由社区协调一次再说")
            yield self.minutes(3, 12)
            self.do("self_handle", self.w.actor("street", street))
            return False
        self.do("whistle_confirm", self.w.actor("street_leader", street), on=on)
        return self.p.stop == "assign"

    def near(self, metres: float) -> str:
        """A position some metres from the spot."""
        return f"{self.p.lon + self.rng.gauss(0, metres) / 85_000:.6f},{self.p.lat + self.rng.gauss(0, metres) / 111_000:.6f}"


def running(assignment: Assignment) -> Clock:
    """The handling clock of an assignment."""
    return Clock.objects.filter(assignment=assignment, kind=ClockKind.HANDLE).latest("id")


def limit_of(assignment: Assignment) -> Limit:
    """The handling limit of an assignment as it runs, with its extensions."""
    row = running(assignment)
    return Limit(row.value * (1 + row.extensions), row.unit)
