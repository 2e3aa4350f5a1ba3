"""The work on a case: whistles, assignments, their limits, requests for time, disputes, progress."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.cases.models.case import Case
from shaodao.cases.models.fields import PERSON, digest, ref
from shaodao.cases.words import AssignmentState, ClockKind, WhistleState
from shaodao.catalogue.models import Category
from shaodao.organisations.models import Organisation


class Whistle(models.Model):
    """吹哨: a street calls departments to the spot; it goes out only when the street's leader has confirmed it."""

    case = ref(Case, "whistles", null=False)
    kind = models.CharField(max_length=30)  # code of the pack's list of whistle kinds
    state = models.CharField(max_length=10, choices=WhistleState.choices, default=WhistleState.DRAFT)
    street = ref(Organisation, "whistles", null=False)
    reason = models.CharField(max_length=500)
    lead = ref(Organisation, "led_whistles", null=False)
    support_ids = models.JSONField(default=list)  # organisation ids
    drafted_by = ref(PERSON, "drafted_whistles")
    drafted_at = models.DateTimeField()
    confirmed_by = ref(PERSON, "confirmed_whistles")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    TRACKED = [
        "case_id",
        "kind",
        "state",
        "street_id",
        "reason",
        "lead_id",
        "support_ids",
        "drafted_by_id",
        "drafted_at",
        "confirmed_by_id",
        "confirmed_at",
    ]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Assignment(models.Model):
    """One organisation's part of a case, with its own limits: the lead's, or a supporting unit's."""

    class Role(models.TextChoices):
        LEAD = "lead", _("主办")
        SUPPORT = "support", _("协办")

    class Via(models.TextChoices):
        DISPATCH = "dispatch", _("派遣")
        WHISTLE = "whistle", pgettext_lazy("via", "吹哨")
        SELF = "self", pgettext_lazy("via", "街道自行处置")
        REBOUND = "rebound", pgettext_lazy("via", "反弹重办")
        REOPENED = "reopened", pgettext_lazy("via", "回访重办")

    case = ref(Case, "assignments", null=False)
    organisation = ref(Organisation, "assignments", null=False)
    role = models.CharField(max_length=7, choices=Role.choices)
    via = models.CharField(max_length=8, choices=Via.choices)
    whistle = ref(Whistle, "assignments")
    state = models.CharField(max_length=10, choices=AssignmentState.choices, default=AssignmentState.SENT)
    round = models.PositiveSmallIntegerField(default=1)  # 1 + number of rebounds before it
    sent_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    arrived_lon = models.FloatField(null=True, blank=True)
    arrived_lat = models.FloatField(null=True, blank=True)
    arrived_distance_m = models.FloatField(null=True, blank=True)  # None: the case has no position
    finished_at = models.DateTimeField(null=True, blank=True)
    finished_by = ref(PERSON, "finished_assignments")
    returned_at = models.DateTimeField(null=True, blank=True)
    suspended_until = models.DateTimeField(null=True, blank=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    suspensions = models.PositiveSmallIntegerField(default=0)
    rework_count = models.PositiveSmallIntegerField(default=0)
    stages = models.JSONField(default=list)  # [{"name", "value", "unit", "due_at", "done_at"}, …] of the condition
    exempt = models.BooleanField(
        default=False
    )  # an upheld appeal: some limit of it (Clock.exempt) is not counted as late

    TRACKED = [
        "case_id",
        "organisation_id",
        "role",
        "via",
        "whistle_id",
        "state",
        "round",
        "sent_at",
        "signed_at",
        "arrived_at",
        "arrived_lon",
        "arrived_lat",
        "arrived_distance_m",
        "finished_at",
        "finished_by_id",
        "returned_at",
        "suspended_until",
        "extensions",
        "suspensions",
        "rework_count",
        "stages",
        "exempt",
    ]

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organisation", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "organisation"],
                condition=models.Q(state__in=["sent", "signed", "arrived", "suspended"]),
                name="one_open_assignment_per_organisation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.role} {self.state}"


class Clock(models.Model):
    """A running time limit with the inputs it was computed from; a later change of the catalogue leaves it alone."""

    case = ref(Case, "clocks", null=False)
    assignment = ref(Assignment, "clocks")
    kind = models.CharField(max_length=8, choices=ClockKind.choices)
    started_at = models.DateTimeField()
    value = models.FloatField()
    unit = models.CharField(max_length=9)
    yellow_share = models.FloatField(default=0.8)
    extensions = models.PositiveSmallIntegerField(default=0)
    pauses = models.JSONField(default=list)  # [[from, to], …] ISO 8601 UTC; an open pause ends with null
    due_at = models.DateTimeField()
    yellow_at = models.DateTimeField()
    provisional = models.BooleanField(default=False)  # touches a year whose holiday notice is not out yet
    stopped_at = models.DateTimeField(null=True, blank=True)
    cancelled = models.BooleanField(default=False)  # stopped without having been met or missed
    exempt = models.BooleanField(default=False)  # missed, but left out of on-time rates by an upheld appeal

    TRACKED = [
        "case_id",
        "assignment_id",
        "kind",
        "started_at",
        "value",
        "unit",
        "yellow_share",
        "extensions",
        "pauses",
        "due_at",
        "yellow_at",
        "provisional",
        "stopped_at",
        "cancelled",
        "exempt",
    ]

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(stopped_at__isnull=True), name="running_clocks"),
            models.Index(fields=["kind", "started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.due_at:%F %R}"

    @property
    def missed(self) -> bool:
        """It has stopped, after its due time: a fact that no appeal changes."""
        return self.stopped_at is not None and not self.cancelled and self.stopped_at > self.due_at


class TimeRequest(models.Model):
    """A department asks for more time (延期) or for the case to rest (挂账); the dispatcher decides."""

    class Kind(models.TextChoices):
        EXTEND = "extend", _("延期")
        SUSPEND = "suspend", _("挂账")

    class State(models.TextChoices):
        PENDING = "pending", pgettext_lazy("request", "待审批")
        GRANTED = "granted", _("已同意")
        REFUSED = "refused", _("未同意")

    case = ref(Case, "time_requests", null=False)
    assignment = ref(Assignment, "time_requests", null=False)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    state = models.CharField(max_length=7, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=500)
    until = models.DateTimeField(null=True, blank=True)
    asked_by = ref(PERSON, "asked_time_requests")
    asked_at = models.DateTimeField()
    decided_by = ref(PERSON, "decided_time_requests")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=500, blank=True)

    TRACKED = [
        "case_id",
        "assignment_id",
        "kind",
        "state",
        "reason",
        "until",
        "asked_by_id",
        "asked_at",
        "decided_by_id",
        "decided_at",
        "decision",
    ]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Dispute(models.Model):
    """A department contests that the case is its own; a consultation rules who leads, and the ruling is a precedent."""

    case = ref(Case, "disputes", null=False)
    assignment = ref(Assignment, "disputes", null=False)
    reason = models.CharField(max_length=500)
    raised_by = ref(PERSON, "raised_disputes")
    raised_at = models.DateTimeField()
    category = ref(Category, "disputes")
    ruling = models.TextField(blank=True)
    lead = ref(Organisation, "ruled_lead")
    support_ids = models.JSONField(default=list)
    ruled_by = ref(PERSON, "ruled_disputes")
    ruled_at = models.DateTimeField(null=True, blank=True)

    TRACKED = [
        "case_id",
        "assignment_id",
        "reason",
        "raised_by_id",
        "raised_at",
        "category_id",
        "ruling",
        "lead_id",
        "support_ids",
        "ruled_by_id",
        "ruled_at",
    ]

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.reason[:40]


class Note(models.Model):
    """A progress note of a department, or the headquarters' reply when a case closes.

    `told`: the case's reporters hear of it; `public`: it stands on the case's public page, once the case has one.
    Whoever reported sees both.
    """

    class Kind(models.TextChoices):
        PROGRESS = "progress", _("进展")
        REPLY = "reply", _("答复")

    case = ref(Case, "notes", null=False)
    assignment = ref(Assignment, "notes")
    person = ref(PERSON, "notes")
    organisation = ref(Organisation, "notes")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PROGRESS)
    text = models.TextField()
    told = models.BooleanField(default=False)
    public = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    text_sha256 = digest("text")
    TRACKED = [
        "case_id",
        "assignment_id",
        "person_id",
        "organisation_id",
        "kind",
        "text_sha256",
        "told",
        "public",
        "created_at",
    ]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:40]
