"""The test district, made in a few bulk inserts, with a short way to act in somebody's post."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shaodao.cases.actions import Actor, Done, Submission, perform, report
from shaodao.cases.models import Case
from shaodao.catalogue.models import Category, Condition, Scheme
from shaodao.foundation import clock
from shaodao.foundation.models import CalendarDay, District
from shaodao.organisations.models import Organisation, Person, Post
from shaodao.places.models import Cell, Place

WEST, SOUTH, STEP = 113_200_000, 40_000_000, 1_000  # micro-degrees
COMMUNITIES = ("140213050001", "140213050002", "140213051001")


class Town:
    """Six by two cells: the first four columns belong to street 050, the last two to street 051."""

    def __init__(self) -> None:
        District.objects.create(
            code="140213",
            name="测试区",
            name_en="Test District",
            centre_lon=113.2,
            centre_lat=40.0,
            settings={},
            loaded_at=datetime(2021, 1, 1, tzinfo=UTC),
        )
        CalendarDay.objects.bulk_create(
            CalendarDay(date=date(2021, 6, day), kind="holiday", name="端午节") for day in (14,)
        )
        self.places()
        self.organisations()
        self.catalogue()
        self.people: dict[str, Person] = {}

    def places(self) -> None:
        county = Place.objects.create(code="140213", name="测试区", level="county")
        self.street = Place.objects.create(code="140213050", name="永泰街道", level="street", parent=county)
        self.other_street = Place.objects.create(code="140213051", name="古城街道", level="street", parent=county)
        self.communities = [
            Place.objects.create(
                code=code,
                name=f"社区{code[-3:]}",
                level="community",
                parent=self.street if code.startswith("140213050") else self.other_street,
            )
            for code in COMMUNITIES
        ]
        Cell.objects.bulk_create(
            Cell(
                code=f"{COMMUNITIES[column // 2]}{row * 2 + column % 2 + 1:03d}",
                community=self.communities[column // 2],
                west=WEST + column * STEP,
                east=WEST + (column + 1) * STEP,
                south=SOUTH + row * STEP,
                north=SOUTH + (row + 1) * STEP,
            )
            for column in range(6)
            for row in range(2)
        )

    def organisations(self) -> None:
        make = Organisation.objects.create
        self.headquarters = make(code="HQ", name="总指挥部办公室", kind="headquarters")
        self.inspection = make(code="INSP", name="监督员队", kind="inspection")
        self.hotline = make(code="12345", name="热线", kind="hotline")
        self.office = make(code="140213050", name="永泰街道办事处", kind="street", place=self.street)
        self.other_office = make(code="140213051", name="古城街道办事处", kind="street", place=self.other_street)
        self.community = make(
            code=COMMUNITIES[0], name="社区001", kind="community", place=self.communities[0], parent=self.office
        )
        self.urban = make(code="URBAN", name="城市管理局", kind="department")
        self.sanitation = make(code="SANI", name="环卫中心", kind="department")
        self.water = make(code="WATER", name="供水公司", kind="department")
        self.gardens = make(code="GARD", name="园林中心", kind="department")

    def catalogue(self) -> None:
        scheme = Scheme.objects.create(code="TEST", name="测试目录", active=True)
        make = Category.objects.create
        common = {"scheme": scheme, "major_code": "01", "major_name": "市容", "public": True}
        self.litter = make(kind="event", code="0110", name="暴露垃圾", name_en="Litter", **common)
        self.pipe = make(
            kind="component", code="0101", name="供水管道破裂", name_en="Burst pipe", urgent=True, **common
        )
        self.condition = Condition.objects.create(
            category=self.litter,
            seq=1,
            filing="有暴露垃圾",
            closing="已清除",
            limit_value=4,
            limit_unit="work_hour",
            lead=self.sanitation,
        )
        self.staged = Condition.objects.create(
            category=self.pipe, seq=1, filing="喷水", closing="修复", limit_value=8, limit_unit="hour", lead=self.water,
            stages=[{"name": "围护", "value": 3, "unit": "hour"}, {"name": "修复", "value": 8, "unit": "hour"}],
        )  # fmt: skip

    def person(self, role: str, organisation: Organisation | None = None, username: str = "") -> Person:
        """Somebody who holds `role`, made when first asked for."""
        home = organisation or {
            "street": self.office, "street_leader": self.office, "community": self.community,
            "department": self.sanitation, "inspector": self.inspection, "hotline": self.hotline,
        }.get(role, self.headquarters)  # fmt: skip
        name = username or f"{role}-{home.code}"
        if name not in self.people:
            self.people[name] = Person.objects.create(username=name, name=name)
            Post.objects.create(person=self.people[name], role=role, organisation=home)
        return self.people[name]

    def actor(self, role: str, organisation: Organisation | None = None) -> Actor:
        return Actor.of(self.person(role, organisation))

    def report(self, actor: Actor | None = None, **given: Any) -> Case:
        """A report of litter in the first cell by the public, unless told otherwise."""
        values = {"text": "路边有一堆垃圾", "lon": 113.2005, "lat": 40.0005, "category": self.litter} | given
        return report(Submission(**values), actor or Actor.public()).case

    def act(self, action: str, case: Case, role: str, organisation: Organisation | None = None, **given: Any) -> Done:
        """Perform an action in a post; `on`, `reason`, `version`, `key` as in `perform`, the rest is input."""
        named = {k: given.pop(k) for k in ("on", "reason", "version", "key") if k in given}
        return perform(action, case.pk, self.actor(role, organisation), data=given, **named)

    def filed(self, **given: Any) -> Case:
        case = self.report(**given)
        return self.act("file", case, "duty_leader").case

    def handling(self, lead: Organisation | None = None, supports: tuple[Organisation, ...] = (), **given: Any) -> Case:
        case = self.filed(**given)
        lead = lead or self.sanitation
        return self.act("dispatch", case, "dispatcher", lead=lead.code, supports=[o.code for o in supports]).case

    def verifying(self, **given: Any) -> Case:
        case = self.handling(**given)
        on = case.assignments.get(state="sent")
        self.act("sign", case, "department", on.organisation, on=on.pk)
        return self.act("finish", case, "department", on.organisation, on=on.pk, result="已清理").case

    def closed(self, **given: Any) -> Case:
        case = self.verifying(**given)
        self.act("verify", case, "inspector", passed=True)
        return self.act("close", case, "duty_leader").case


def later(**span: float):
    """Let the clock stand that much later than now."""
    return clock.freeze(clock.now() + timedelta(**span))
