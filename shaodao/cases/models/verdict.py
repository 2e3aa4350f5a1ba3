"""What is said of the work: checks on site, the street's ratings, the reporter's answers, the watch."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.cases.models.case import Case, Report
from shaodao.cases.models.fields import PERSON, digest, ref
from shaodao.cases.models.handling import Assignment
from shaodao.cases.words import AppealGround
from shaodao.organisations.models import Organisation


class Verification(models.Model):
    """A check on site: before filing (核实, precheck) or after handling (核查, verify)."""

    class Kind(models.TextChoices):
        PRECHECK = "precheck", _("核实")
        VERIFY = "verify", _("核查")

    case = ref(Case, "verifications", null=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    passed = models.BooleanField(null=True)  # None while it is asked for
    remark = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField()
    person = ref(PERSON, "verifications")
    done_at = models.DateTimeField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)

    TRACKED = ["case_id", "kind", "passed", "remark", "asked_at", "person_id", "done_at", "lon", "lat"]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.passed}"


class Evaluation(models.Model):
    """The street's rating of one department's part: how fast (efficiency) and how well (effect), 1 to 5."""

    case = ref(Case, "evaluations", null=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="evaluation")
    street = ref(Organisation, "evaluations_given", null=False)
    organisation = ref(Organisation, "evaluations", null=False)
    efficiency = models.PositiveSmallIntegerField()
    effect = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)  # the numbers that stood beside the rating when it was given
    person = ref(PERSON, "evaluations")
    created_at = models.DateTimeField()
    comment = models.CharField(max_length=500, blank=True)  # of the headquarters
    commented_by = ref(PERSON, "commented_evaluations")
    commented_at = models.DateTimeField(null=True, blank=True)
    exempt = models.BooleanField(default=False)  # left out of the averages by an upheld appeal

    TRACKED = [
        "case_id",
        "assignment_id",
        "street_id",
        "organisation_id",
        "efficiency",
        "effect",
        "reason",
        "facts",
        "person_id",
        "created_at",
        "comment",
        "commented_by_id",
        "commented_at",
        "exempt",
    ]

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(efficiency__range=(1, 5), effect__range=(1, 5)), name="evaluation_one_to_five"
            )
        ]

    def __str__(self) -> str:
        return f"{self.efficiency}/{self.effect}"


class Appeal(models.Model):
    """申诉: a department contests, once for a part, what was counted against it; two voices that agree decide.

    The facts stay as they are: an upheld appeal sets `exempt` on what it contested, and statistics leave that out.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("待复核")
        UPHELD = "upheld", _("申诉成立")
        REJECTED = "rejected", _("维持原记录")
        WITHDRAWN = "withdrawn", pgettext_lazy("appeal", "已撤回")

    case = ref(Case, "appeals", null=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="appeal")
    grounds = models.JSONField(default=list)  # of AppealGround
    reason = models.CharField(max_length=2000)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    asked_by = ref(PERSON, "appeals")
    asked_at = models.DateTimeField()
    first_by = ref(PERSON, "first_appeal_reviews")
    first_upheld = models.BooleanField(null=True)
    first_opinion = models.CharField(max_length=2000, blank=True)
    first_at = models.DateTimeField(null=True, blank=True)
    second_by = ref(PERSON, "second_appeal_reviews")
    second_upheld = models.BooleanField(null=True)
    second_opinion = models.CharField(max_length=2000, blank=True)
    second_at = models.DateTimeField(null=True, blank=True)
    third_by = ref(PERSON, "third_appeal_reviews")  # only where the first two differ
    third_upheld = models.BooleanField(null=True)
    third_opinion = models.CharField(max_length=2000, blank=True)
    third_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    PLACES = ("first", "second", "third")
    TRACKED = [
        "case_id",
        "assignment_id",
        "grounds",
        "reason",
        "state",
        "asked_by_id",
        "asked_at",
        *(f"{place}_{what}" for place in PLACES for what in ("by_id", "upheld", "opinion", "at")),
        "decided_at",
    ]

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(second_by__isnull=True)
                | ~models.Q(second_by=models.F("first_by"))
                & (
                    models.Q(third_by__isnull=True)
                    | (~models.Q(third_by=models.F("first_by")) & ~models.Q(third_by=models.F("second_by")))
                ),
                name="appeal_reviewers_differ",
            )
        ]

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.state}"

    @property
    def ground_labels(self) -> list[str]:
        """What is contested, in words."""
        return [str(AppealGround(g).label) for g in self.grounds if g in AppealGround.values]

    @property
    def voices(self) -> list[dict[str, Any]]:
        """The reviews so far, in their order: {"by", "upheld", "opinion", "at"}."""
        rows = [{w: getattr(self, f"{place}_{w}") for w in ("by", "upheld", "opinion", "at")} for place in self.PLACES]
        return [row for row in rows if row["at"]]


class Callback(models.Model):
    """What the reporter says after closing, over a one-time link: responded? resolved? satisfied?"""

    case = ref(Case, "callbacks", null=False)
    report = ref(Report, "callbacks", null=False)
    round = models.PositiveSmallIntegerField(default=1)
    token = models.CharField(max_length=43, unique=True)
    responded = models.BooleanField(null=True)
    resolved = models.BooleanField(null=True)
    satisfied = models.BooleanField(null=True)
    remark = models.TextField(blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    remark_sha256 = digest("remark")
    TRACKED = [
        "case_id",
        "report_id",
        "round",
        "responded",
        "resolved",
        "satisfied",
        "remark_sha256",
        "created_at",
        "answered_at",
    ]

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["report", "round"], name="one_callback_per_report_and_round")]

    def __str__(self) -> str:
        return f"{self.report_id}"


class Recheck(models.Model):
    """A look at the place while the watch runs (防止反弹)."""

    case = ref(Case, "rechecks", null=False)
    due_at = models.DateTimeField(db_index=True)
    done_at = models.DateTimeField(null=True, blank=True)
    rebounded = models.BooleanField(null=True)
    remark = models.CharField(max_length=500, blank=True)
    person = ref(PERSON, "rechecks")

    TRACKED = ["case_id", "due_at", "done_at", "rebounded", "remark", "person_id"]

    class Meta:
        ordering = ["due_at"]

    def __str__(self) -> str:
        return f"{self.due_at:%F}"


class Circular(models.Model):
    """通报: the headquarters tells units about a case and its evaluation."""

    case = ref(Case, "circulars")
    title = models.CharField(max_length=120)
    text = models.TextField()
    organisations = models.ManyToManyField(Organisation, related_name="circulars")
    person = ref(PERSON, "circulars")
    created_at = models.DateTimeField()

    text_sha256 = digest("text")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class CircularReading(models.Model):
    """已阅: one of the organisations that a circular went to has opened it; the first reader stands for it."""

    circular = models.ForeignKey(Circular, on_delete=models.CASCADE, related_name="readings")
    organisation = ref(Organisation, "read_circulars", null=False)
    person = ref(PERSON, "read_circulars")
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["circular", "organisation"], name="circular_read_once")]

    def __str__(self) -> str:
        return f"{self.circular_id} {self.organisation_id}"
