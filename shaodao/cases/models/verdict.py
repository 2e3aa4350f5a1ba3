"""What is said of the work: checks on site, the street's ratings, the reporter's answers, the watch."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from shaodao.cases.models.case import Case, Report
from shaodao.cases.models.fields import PERSON, digest, ref
from shaodao.cases.models.handling import Assignment
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
