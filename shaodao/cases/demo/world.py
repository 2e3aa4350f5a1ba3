"""The district on stage: who acts, where things happen, and one clock that moves everybody in order of time."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from shaodao.cases.actions import Actor
from shaodao.cases.demo import texts
from shaodao.cases.demo.texts import Topic
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import calendar, clock, district
from shaodao.foundation.district import Limit
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.organisations.models import Organisation, Person, Post
from shaodao.places.models import Cell, Place

Play = Iterator[datetime]  # a story that says when it goes on
BUSY = ("140213051", "140213053", "140213052", "140213066")  # Pingcheng's streets with demonstration accounts
KIND_OF_ROLE = {
    "intake": "headquarters", "duty_leader": "headquarters", "dispatcher": "headquarters", "headquarters": "headquarters",
    "inspector": "inspection", "hotline": "hotline",
}  # fmt: skip


class World:
    """What the stories share. Everything is read once; actors are made when first needed, as sample persons."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.settings = district.current().settings
        self.organisations = {o.pk: o for o in Organisation.objects.filter(active=True).order_by("code")}
        self.streets = [o for o in self.organisations.values() if o.kind == "street" and o.place_id]
        self.departments = [o for o in self.organisations.values() if o.kind == "department"]
        self.communities = self._communities()
        self.cells = self._cells()
        self.streets = [s for s in self.streets if any(self.cells.get(c.pk) for c in self._of(s))]
        self.street_weights = [6.0 if s.code in BUSY else 0.6 + 1.6 * rng.random() for s in self.streets]
        self.topics = self._topics()
        self.slow = {o.pk: rng.choice((0.75, 0.9, 1.0, 1.0, 1.15, 1.35)) for o in self.organisations.values()}
        self.actors: dict[tuple[str, int], list[Actor]] = {}
        self.counts: Counter[str] = Counter()
        self.queue: list[tuple[datetime, int, Play]] = []
        self.number = 0

    # ── the stage ────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, at: datetime, story: Play) -> None:
        """Let a story begin (or go on) at a time; stories of the same moment keep their order."""
        self.number += 1
        heapq.heappush(self.queue, (at, self.number, story))

    def run(self, until: datetime) -> Iterator[datetime]:
        """Move everybody in order of time up to `until`; yields the time of each step."""
        while self.queue and self.queue[0][0] <= until:
            at, _number, story = heapq.heappop(self.queue)
            with clock.freeze(at):
                try:
                    then = next(story)
                except StopIteration:
                    self.counts["ended"] += 1
                except (Refused, Conflict, Invalid) as error:  # the world moved on without this story
                    self.counts["overtaken"] += 1
                    self.counts[f"overtaken: {error}"] += 1
                else:
                    self.add(max(then, at + timedelta(seconds=1)), story)
            yield at

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    def actor(self, role: str, organisation_id: int | None = None) -> Actor:
        """Somebody with a role (in an organisation, where the role belongs to one)."""
        home = organisation_id or self._home(role)
        known = self.actors.get((role, home))
        if known is None:
            posts = Post.objects.filter(role=role, organisation_id=home, active=True).select_related("person")
            people = [p.person for p in posts.order_by("id")] or [self._hire(role, home)]
            known = self.actors[role, home] = [Actor.of(p) for p in people]
        return self.rng.choice(known)

    def reviewers(self) -> list[Actor]:
        """Three different people who may review an appeal, hired where the district has fewer."""
        posts = Post.objects.filter(role__in=["headquarters", "duty_leader"], active=True).select_related("person")
        people = list({p.person_id: p.person for p in posts.order_by("id")}.values())[:3]
        while len(people) < 3:
            people.append(self._hire("headquarters", self._home("headquarters"), f"-{len(people) + 1}"))
        return [Actor.of(p) for p in people]

    def _home(self, role: str) -> int:
        kind = KIND_OF_ROLE[role]
        return next(o.pk for o in self.organisations.values() if o.kind == kind)

    def _hire(self, role: str, organisation_id: int, ending: str = "") -> Person:
        """A sample person without a password, for a post that no demonstration account holds."""
        organisation = self.organisations[organisation_id]
        person = Person(username=f"sample-{role}-{organisation.code}{ending}", name=texts.person(self.rng), sample=True)
        person.set_unusable_password()
        person.save()
        Post.objects.create(person=person, role=role, organisation=organisation, place_id=organisation.place_id)
        return person

    # ── places and topics ────────────────────────────────────────────────────────────────────────────────────────

    def _communities(self) -> dict[int, list[Place]]:
        found: dict[int, list[Place]] = {}
        for place in Place.objects.filter(level__in=["community", "village"], active=True).order_by("code"):
            found.setdefault(place.parent_id or 0, []).append(place)
        return found

    def _of(self, street: Organisation) -> list[Place]:
        return self.communities.get(street.place_id or 0, [])

    def _cells(self) -> dict[int, list[tuple[int, int, int, int]]]:
        found: dict[int, list[tuple[int, int, int, int]]] = {}
        rows = Cell.objects.order_by("code").values_list("community_id", "west", "south", "east", "north")
        for community, *bounds in rows:
            found.setdefault(community, []).append((bounds[0], bounds[1], bounds[2], bounds[3]))
        return found

    def spot(self, rng: Random, wanted: Sequence[Place] = ()) -> tuple[Place, float, float]:
        """A community, most often of a busy street and near its middle, and a point in one of its cells.

        `wanted`: one of these, if any of them has cells.
        """
        wanted = [place for place in wanted if place.pk in self.cells]
        while True:
            street = rng.choices(self.streets, self.street_weights)[0]
            places = self._of(street)
            community = rng.choice(wanted) if wanted else places[min(int(rng.expovariate(1 / 3)), len(places) - 1)]
            if cells := self.cells.get(community.pk):
                west, south, east, north = rng.choice(cells)
                lon = west + (east - west) * rng.uniform(0.1, 0.9)
                lat = south + (north - south) * rng.uniform(0.1, 0.9)
                return community, lon / 1e6, lat / 1e6

    def _topics(self) -> list[tuple[Topic, Category]]:
        rows = Category.objects.filter(active=True, scheme__active=True).prefetch_related(
            "conditions__lead", "conditions__supports"
        )
        categories = {c.key: c for c in rows}
        found = [(t, categories[t.key]) for t in texts.TOPICS if t.key in categories]
        if not found:  # another catalogue: its own public categories, in plain words
            plain = ("{spot}有{name}问题，{since}没人处理。{wish}",)
            for category in [c for c in categories.values() if c.public][:12]:
                said = tuple(s.replace("{name}", category.name) for s in plain)
                found.append((Topic(category.key, 10, "litter", said, ("已处理。",)), category))
        return found

    def staged(self, rng: Random) -> tuple[Topic, Category, Condition] | None:
        """A topic whose work goes in stages, with the condition that says which; None where the catalogue has none."""
        rows = [(t, c, k) for t, c in self.topics for k in c.conditions.all() if k.active and k.stages]
        return rng.choice(rows) if rows else None

    def topic(self, rng: Random) -> tuple[Topic, Category]:
        return rng.choices(self.topics, [t.weight for t, _c in self.topics])[0]


def after(limit: Limit, share: float) -> datetime:
    """When that share of a limit, started now, will be used up, on its own clock."""
    return calendar.due(clock.now(), max(limit.value * share, 0.01), limit.unit).due_at


def before(at: datetime, limit: Limit, share: float) -> datetime:
    """When a limit must have started so that at `at` that share of it is used (to a minute)."""
    wanted = share * limit.value * {"hour": 3600, "day": 86400, "work_hour": 3600, "work_day": 28800}[limit.unit]
    early, late = at - timedelta(days=200), at
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) / 2
        if calendar.elapsed(middle, at, limit.unit) > wanted:
            early = middle
        else:
            late = middle
    return late
