"""The illustrative operators of a pack go through their admission by the real actions, at times in the past.

Called by `shaodao run --demo` after the pack's accounts are there; a second call finds the files open and does nothing.
"""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image, ImageDraw

from shaodao.bikes.actions import enrol, perform
from shaodao.bikes.models import ChecklistItem, Operator, OperatorPaper
from shaodao.bikes.pack import OPERATORS
from shaodao.bikes.words import PaperState
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.pack import Pack
from shaodao.foundation.tables import Row
from shaodao.organisations.models import Person, Post

TERM = timedelta(days=364)
SHORT = 40  # vehicles that an operator has not registered yet, so that the counts differ


def play(directory: str | Path) -> dict[str, int]:
    """Play every operator of bikes/operators.csv whose account is there and whose file is not open yet: {"operators",
    "vehicles"}. Nothing where the pack has no such file, or no ceiling or checklist."""
    pack = Pack(directory, demo=True)
    office = Person.objects.filter(sample=True, posts__role=Post.Role.HEADQUARTERS, posts__active=True).first()
    done = {"operators": 0, "vehicles": 0}
    if office is None or not ChecklistItem.objects.filter(active=True).exists():
        return done
    now = clock.now()
    for number, row in enumerate(pack.table(OPERATORS)):
        clerk = Person.objects.filter(username=row["username"], sample=True).first()
        if clerk is None or Operator.objects.filter(organisation__code=row["code"]).exists():
            continue
        with transaction.atomic():
            done["vehicles"] += _Life(
                row, Actor.of(office), Actor.of(clerk), now - timedelta(days=90 - 7 * number)
            ).play()
        done["operators"] += 1
    return done


class _Life:
    """One operator from its file to its fleet."""

    def __init__(self, row: Row, office: Actor, clerk: Actor, begin: datetime) -> None:
        self.row, self.office, self.clerk, self.begin = row, office, clerk, begin
        self.operator = 0

    def act(
        self, day: float, action: str, actor: Actor, *, on: int | None = None, reason: str = "", **data: Any
    ) -> Any:
        with clock.freeze(self.begin + timedelta(days=day)):
            return perform(action, self.operator, actor, on=on, reason=reason, data=data).result

    def play(self) -> int:
        row = self.row
        with clock.freeze(self.begin):
            self.operator = enrol(self.office, row["code"], row["name"], row["name_en"]).operator.pk
        for item in ChecklistItem.objects.filter(active=True):
            self.hand_in(1, item.code)
        self.act(2, "apply", self.clerk, **self.application())
        self.review(4)
        if row["outcome"] == "asked":
            return 0
        begins = clock.local(self.begin + timedelta(days=6)).date()
        self.act(6, "admit", self.office, quota=row["quota"], term_from=begins, term_until=begins + TERM)
        read: dict[str, int] = self.act(8, "import_vehicles", self.clerk, file=self.fleet())
        if row["outcome"] == "warned":
            said = "早高峰在客运站周边停放失序，两次未在 15 分钟内到场"
            self.act(30, "warn", self.office, reason=said)
        return read["created"]

    def application(self) -> dict[str, Any]:
        row = self.row
        said = {name: row[name] for name in ("requested_quota", "fleet", "staff", "vans", "intact_percent")}
        contact = {"contact_name": row["person"], "contact_phone": "0352-0000000"}
        return {"legal_name": row["name"], **contact, **said}

    def hand_in(self, day: float, item: str) -> None:
        later = clock.local(self.begin + timedelta(days=700)).date() if item == "insurance" else None
        self.act(day, "hand_in", self.clerk, item=item, file=_paper(self.row["code"], item), valid_until=later)

    def review(self, day: float) -> None:
        """All are accepted; of an operator that is asked for more, the list of staff is not."""
        papers = OperatorPaper.objects.filter(operator=self.operator, state=PaperState.SENT).select_related("item")
        wanting = self.row["outcome"] == "asked"
        for paper in papers.order_by("pk"):
            short = wanting and paper.item.code == "staff"
            why = "名册只有 12 人，申请 4000 辆至少要 20 人" if short else ""
            self.act(day, "review_paper", self.office, on=paper.pk, reason=why, accepted=not short)
        if wanting:
            self.act(day, "request_more", self.office, reason="请补足调度人员后重新提交名册")

    def fleet(self) -> ContentFile:
        """The registry as a file: plates of the operator's own numbering, one in twenty an e-bike, a few in repair."""
        out = io.StringIO()
        lines = csv.writer(out)
        lines.writerow(["plate", "vehicle_id", "kind", "state"])
        letter = self.row["code"][-1]
        for n in range(1, self.row["quota"] - SHORT + 1):
            kind = "ebike" if n % 20 == 0 else "bicycle"
            state = "maintenance" if n % 33 == 0 else "active"
            lines.writerow([f"示例{letter}{n:06d}", f"{self.row['code'].lower()}-{n:06d}", kind, state])
        return ContentFile(out.getvalue().encode(), name="fleet.csv")


def _paper(code: str, item: str) -> ContentFile:
    """A picture that says that it is a sample."""
    image = Image.new("RGB", (600, 800), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle([30, 30, 570, 770], outline="grey", width=3)
    pen.text((60, 80), f"SAMPLE / not a real document\n\n{code}\n{item}", fill="black", spacing=12, font_size=28)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return ContentFile(out.getvalue(), name=f"{item}.png")
