"""The test town with bikes: a ceiling, a checklist, two operators' companies, and short ways to act on them."""

import csv
import io
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shaodao.bikes.actions import Done, enrol, perform
from shaodao.bikes.models import ChecklistItem, Operator, OperatorPaper
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from shaodao.organisations.models import Person
from tests.town import Town

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nxref\n0 1\ntrailer<</Root 1 0 R>>\nstartxref\n45\n%%EOF\n"
APPLICATION = {
    "legal_name": "甲单车有限公司", "contact_name": "张三", "contact_phone": "0352-1234567", "contact_email": "",
    "requested_quota": 6000, "fleet": 7000, "staff": 100, "vans": 12, "intact_percent": 97.5,
}  # fmt: skip


def png(colour: str = "white") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(out, "PNG")
    return out.getvalue()


def file(content: bytes = PDF, name: str = "licence.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def table(*rows: tuple[Any, ...], head: tuple[str, ...] = ("plate", "vehicle_id", "kind", "state")) -> ContentFile:
    """A CSV file of vehicles."""
    out = io.StringIO()
    csv.writer(out).writerows([head, *rows])
    return ContentFile(out.getvalue().encode(), name="fleet.csv")


class Office:
    """The headquarters review, and so does the town's urban management (URBAN)."""

    def __init__(self, town: Town, ceiling: int = 12_000, **settings: Any) -> None:
        self.town = town
        self.settle(fleet_ceiling=ceiling, department="URBAN", **settings)
        make = ChecklistItem.objects.create
        self.items = [
            make(code="licence", name="营业执照", name_en="Licence", what="名称一致", what_en="name", order=1),
            make(code="insurance", name="保险", name_en="Insurance", what="覆盖全部", what_en="covers all", order=2),
            make(code="plan", name="应急预案", what="有安排", required=False, order=3),
        ]
        self.hq = Actor.of(town.person("headquarters"))

    def settle(self, **bikes: Any) -> None:
        """Change the district's settings for bikes."""
        row = District.objects.get()
        row.settings = {**row.settings, "bikes": {**row.settings.get("bikes", {}), **bikes}}
        row.save()
        district.forget()

    def company(self, code: str = "BIKE-A") -> Operator:
        """A company with its file open and an account."""
        operator = enrol(self.hq, code, f"单车{code}", f"Bikes {code}").operator
        self.clerk(operator)
        return operator

    def clerk(self, operator: Operator) -> Person:
        return self.town.person("operator", operator.organisation)

    def actor(self, who: str, operator: Operator | None = None) -> Actor:
        """By a short name: owner, hq, department, system, or a role of the town."""
        if who == "owner":
            assert operator is not None
            return Actor.of(self.clerk(operator))
        if who == "department":
            return Actor.of(self.town.person("department", self.town.urban))
        return {"hq": self.hq, "system": Actor.system()}.get(who) or Actor.of(self.town.person(who))

    def act(self, operator: Operator, action: str, who: str = "hq", **given: Any) -> Done:
        """`on`, `reason`, `version` as in `perform`, the rest is input."""
        named = {k: given.pop(k) for k in ("on", "reason", "version") if k in given}
        return perform(action, operator.pk, self.actor(who, operator), data=given, **named)

    def hand_in_all(self, operator: Operator) -> None:
        for item in ("licence", "insurance"):
            self.act(operator, "hand_in", "owner", item=item, file=file(PDF, f"{item}.pdf"))

    def accept_all(self, operator: Operator) -> None:
        for paper in OperatorPaper.objects.filter(operator=operator, state__in=["sent", "more"]):
            self.act(operator, "review_paper", on=paper.pk, accepted=True)

    def brought_to(self, state: str, code: str = "BIKE-A", quota: int = 1000) -> Operator:
        """An operator in that state, by the real steps."""
        operator = self.company(code)
        if state != "draft":
            self.hand_in_all(operator)
            self.act(operator, "apply", "owner", **APPLICATION)
        if state == "asked":
            self.act(operator, "request_more", reason="还缺名册")
        elif state == "refused":
            self.act(operator, "refuse", reason="不符合条件")
        elif state not in {"draft", "submitted"}:
            self.accept_all(operator)
            self.admit(operator, quota)
        if state == "suspended":
            self.act(operator, "suspend", reason="秩序混乱")
        elif state == "withdrawn":
            self.act(operator, "withdraw", reason="退出本区")
        elif state == "expired":
            with clock.freeze(clock.now() + timedelta(days=400)):
                self.act(operator, "expire", "system")
        operator.refresh_from_db()
        assert operator.state == state
        return operator

    def admit(self, operator: Operator, quota: int, days: int = 364) -> Done:
        today = clock.local(clock.now()).date()
        term = {"term_from": today, "term_until": today + timedelta(days=days)}
        return self.act(operator, "admit", quota=quota, **term)
