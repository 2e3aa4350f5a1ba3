"""The test town with bays, zones and bikes in its streets, and a clock that goes on: feeds come in, the rules look."""

from collections.abc import Iterable
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from shaodao.bikes import ground
from shaodao.bikes.findings.tasks import observe
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import Bay, Finding, Operator, Zone
from shaodao.cases import history
from shaodao.cases.tasks import Round
from shaodao.foundation import clock
from tests.bikes.office import Office

METRE = 1 / 111_320  # degrees of latitude
LON, LAT = 113.2005, 40.0005  # in the first cell, street 050
SETTINGS: dict[str, Any] = {
    "spot_check_share": 0.0,
    "over_capacity": {"category": "event-0110"},
    "cluster": {"category": "event-0110", "bikes": 5},
    "no_parking": {"category": "event-0110"},
    "idle": {"category": "event-0110"},
    "over_quota": {"enabled": False},
}


def box(lon: float, lat: float, metres: float) -> dict[str, Any]:
    """A square around a point."""
    x, y = metres * METRE / 0.766 / 2, metres * METRE / 2
    ring = [[lon - x, lat - y], [lon + x, lat - y], [lon + x, lat + y], [lon - x, lat + y], [lon - x, lat - y]]
    return {"type": "Polygon", "coordinates": [ring]}


def north(metres: float, lon: float = LON, lat: float = LAT) -> tuple[float, float]:
    return lon, lat + metres * METRE


class Street:
    """Two operators with large quotas. `at` is the time; bikes stay where they were put until they are moved."""

    def __init__(self, office: Office, **findings: Any) -> None:
        self.office, self.town, self.at = office, office.town, clock.now()
        self.a, self.b = office.company("BIKE-A"), office.company("BIKE-B")
        Operator.objects.update(quota=10_000)
        self.bikes: dict[Operator, dict[str, dict[str, Any]]] = {self.a: {}, self.b: {}}
        self.silent: set[Operator] = set()
        self.settle(**findings)

    def settle(self, **findings: Any) -> None:
        """The pack's block, some rules changed."""
        merged = {
            name: {**SETTINGS.get(name, {}), **value} if isinstance(value, dict) else value
            for name, value in (SETTINGS | findings).items()
        }
        self.office.settle(findings=merged)

    def bay(self, code: str = "P1", capacity: int = 5, metres: float = 0.0, **given: Any) -> Bay:
        lon, lat = north(metres)
        row = Bay.objects.create(
            code=code, name=f"点位{code}", geometry=box(lon, lat, 6), lon=lon, lat=lat, length_m=6, area_m2=36,
            capacity=capacity, street=self.town.street, community=self.town.communities[0], valid_from=self.at, **given,
        )  # fmt: skip
        ground.forget()
        return row

    def zone(self, code: str = "Z1", kind: str = "no_parking", metres: float = 60.0, **given: Any) -> Zone:
        row = Zone.objects.create(
            code=code, name=f"围栏{code}", kind=kind, geometry=box(*north(metres), 20), valid_from=self.at, **given
        )
        ground.forget()
        return row

    def put(self, operator: Operator, n: int, metres: float = 0.0, state: str = "available", prefix: str = "v") -> None:
        """n bikes of an operator within two metres of a point."""
        for i in range(n):
            lon, lat = north(metres + (i % 5 - 2) * 0.5)
            self.bikes[operator][f"{prefix}{metres:g}-{i}"] = {"lon": lon, "lat": lat, "state": state}

    def take(self, operator: Operator, n: int, metres: float = 0.0, prefix: str = "v") -> None:
        """n of them are ridden away, to where they bother nobody: one by one, 9 metres apart."""
        names = [name for name in self.bikes[operator] if name.startswith(f"{prefix}{metres:g}-")]
        for i, name in enumerate(names[:n]):
            self.bikes[operator][name] = {"lon": 113.2025 + i * 0.0003, "lat": 40.0015, "state": "available"}

    def feed(self, now: datetime) -> None:
        for operator, bikes in self.bikes.items():
            if bikes and operator not in self.silent:
                at = int(now.timestamp() * 1000)
                rows = [{"vehicle_id": name, "at_ms": at, **where} for name, where in bikes.items()]
                ingest(operator, Positions.of(rows), "mds", now)

    def go(self, minutes: float = 0, step: float = 5) -> dict[str, int]:
        """Time goes on in steps, each with a feed and a look, the first one now; returns the counts of the last round."""
        end, counts = self.at + timedelta(minutes=minutes), {}
        while self.at <= end:
            counts = self.look()
            self.at += timedelta(minutes=step)
        self.at = end
        return counts

    def look(self, *, feed: bool = True) -> dict[str, int]:
        with clock.freeze(self.at):
            if feed:
                self.feed(self.at)
            round = Round(self.at)
            observe(round)
        assert not round.counts["failed"]
        return round.counts

    def later(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)

    @contextmanager
    def now(self):  # type: ignore[no-untyped-def]
        with clock.freeze(self.at):
            yield

    def act(self, action: str, finding: Finding, role: str, organisation: Any = None, **given: Any) -> Any:
        with self.now():
            return self.town.act(action, finding.case, role, organisation, **given)


def only(rows: Iterable[Finding] | None = None, **wanted: Any) -> Finding:
    found = list(Finding.objects.filter(**wanted) if rows is None else rows)
    assert len(found) == 1, found
    return found[0]


def states() -> list[tuple[str, str]]:
    return list(Finding.objects.order_by("pk").values_list("rule", "state"))


def broken() -> list[dict]:
    """Faults in the records of cases (the operators' quotas were set without a step)."""
    return [b for b in history.verify()["broken"] if not b["case"].startswith("BIKE")]
