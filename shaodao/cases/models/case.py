"""A case, its reports, their private contacts, the photos."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from shaodao.cases.models.fields import PERSON, digest, ref
from shaodao.cases.words import CaseState, Channel, Outcome
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import clock
from shaodao.foundation.models import Upload
from shaodao.organisations.models import Organisation
from shaodao.places.models import Cell, Place


class Case(models.Model):
    state = models.CharField(max_length=10, choices=CaseState.choices, default=CaseState.RECEIVED)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    category = ref(Category, "cases")
    condition = ref(Condition, "cases")
    urgent = models.BooleanField(default=False)
    summary = models.CharField(max_length=120)
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    address = models.CharField(max_length=200, blank=True)
    cell = ref(Cell, "cases")
    community = ref(Place, "community_cases")
    street = ref(Place, "street_cases")
    place_guessed = models.BooleanField(default=False)  # street and community were taken from words; nobody looked yet
    lead = ref(Organisation, "lead_cases")
    due_at = models.DateTimeField(null=True, blank=True)  # of the clock that ends first; None while none runs
    yellow_at = models.DateTimeField(null=True, blank=True)
    rung = models.PositiveSmallIntegerField(default=0)  # rungs of the escalation ladder already climbed
    created_at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    watch_until = models.DateTimeField(null=True, blank=True)
    watch_radius_m = models.PositiveIntegerField(default=0)
    report_count = models.PositiveIntegerField(default=0)
    rework_count = models.PositiveIntegerField(default=0)
    return_count = models.PositiveIntegerField(default=0)
    rebound_count = models.PositiveIntegerField(default=0)
    reopen_count = models.PositiveIntegerField(default=0)  # closed, and the reporter was right that it was not solved
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_cases"
    )
    unsolved = models.BooleanField(default=False)  # its reporter says so, and nobody has answered that yet
    published = models.BooleanField(default=False)  # staff looked at text and photos and let the public see them
    public_text = models.TextField(blank=True)
    sample = models.BooleanField(default=False)
    parts = models.PositiveSmallIntegerField(default=0)  # bits of the tables that hold rows of it (queries.PARTS)
    version = models.PositiveIntegerField(default=0)  # number of its events
    head = models.CharField(max_length=64, blank=True)  # hash of the last event

    summary_sha256 = digest("summary")
    public_text_sha256 = digest("public_text")
    TRACKED = [
        "summary_sha256",
        "public_text_sha256",
        "state",
        "outcome",
        "channel",
        "category_id",
        "condition_id",
        "urgent",
        "lon",
        "lat",
        "cell_id",
        "community_id",
        "street_id",
        "place_guessed",
        "lead_id",
        "due_at",
        "yellow_at",
        "rung",
        "created_at",
        "filed_at",
        "dispatched_at",
        "handled_at",
        "closed_at",
        "watch_until",
        "watch_radius_m",
        "report_count",
        "rework_count",
        "return_count",
        "rebound_count",
        "reopen_count",
        "merged_into_id",
        "unsolved",
        "published",
        "sample",
        "parts",
    ]

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "due_at"]),
            models.Index(fields=["street", "state"]),
            models.Index(fields=["lead", "state"]),
            models.Index(fields=["category", "state", "lat"]),
            models.Index(fields=["state", "watch_until"]),
            models.Index(fields=["published", "created_at"]),
            models.Index(fields=["created_at"]),
            models.Index(fields=["closed_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="closed") | (models.Q(closed_at__isnull=False) & ~models.Q(outcome="")),
                name="closed_case_has_time_and_outcome",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="merged") | models.Q(merged_into__isnull=False), name="merged_case_has_target"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def round(self) -> int:
        """How often the work was begun: once, and again with each rebound and each reopening."""
        return 1 + self.rebound_count + self.reopen_count

    @property
    def number(self) -> str:
        """The number people say on the telephone: the year of receipt and a running figure, never a random one."""
        return f"{clock.local(self.created_at):%Y}-{self.pk:06d}"


class Report(models.Model):
    """One submission by a person, a patrol or a sensor. Several reports of the same problem share a case."""

    case = ref(Case, "reports", null=False)
    first_case = ref(Case, "first_reports", null=False)  # where it came in, so that a merge can be undone
    channel = models.CharField(max_length=10, choices=Channel.choices)
    text = models.TextField(blank=True)
    text_sha256 = models.CharField(max_length=64, blank=True)
    category = ref(Category, "reports")
    attributes = models.JSONField(default=dict)
    topic = models.CharField(max_length=120, blank=True)  # the source's own classification, kept as it came
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    datum = models.CharField(max_length=8, default="WGS-84")  # of the source pair
    source_lon = models.FloatField(null=True, blank=True)
    source_lat = models.FloatField(null=True, blank=True)
    address = models.CharField(max_length=200, blank=True)
    reporter = ref(PERSON, "reports")
    organisation = ref(Organisation, "reports")
    me_too = models.BooleanField(default=False)
    external_id = models.CharField(max_length=80, blank=True, db_index=True)
    client_key = models.CharField(max_length=80, null=True, blank=True, unique=True)
    follow_code = models.CharField(max_length=12)
    created_at = models.DateTimeField()

    TRACKED = [
        "case_id",
        "first_case_id",
        "channel",
        "text_sha256",
        "category_id",
        "topic",
        "lon",
        "lat",
        "datum",
        "source_lon",
        "source_lat",
        "reporter_id",
        "organisation_id",
        "me_too",
        "external_id",
        "created_at",
    ]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.pk}"


class Addition(models.Model):
    """More words (and photos) that a reporter sent for a report while its case was open. Photos hang on the report."""

    case = ref(Case, "additions", null=False)
    report = ref(Report, "additions", null=False)
    text = models.TextField(blank=True)
    photos = models.PositiveSmallIntegerField(default=0)  # how many came with it
    created_at = models.DateTimeField()

    text_sha256 = digest("text")
    TRACKED = ["case_id", "report_id", "text_sha256", "photos", "created_at"]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.report_id} +{self.pk}"


class Contact(models.Model):
    """The reporter's private contact, apart from everything else; each reading is logged (`queries.read_contact`)."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="contact")
    name = models.CharField(max_length=60, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, default="zh-hans")

    def __str__(self) -> str:
        return "***"


class Photo(models.Model):
    class Purpose(models.TextChoices):
        REPORT = "report", _("上报照片")
        BEFORE = "before", _("处置前")
        AFTER = "after", _("处置后")
        VERIFY = "verify", _("核查照片")
        APPEAL = "appeal", _("申诉证据")

    case = ref(Case, "photos", null=False)
    report = ref(Report, "photos")
    assignment = ref("cases.Assignment", "photos")
    upload = ref(Upload, "photos", null=False)
    purpose = models.CharField(max_length=6, choices=Purpose.choices, default=Purpose.REPORT)
    published = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    TRACKED = ["case_id", "report_id", "assignment_id", "upload_id", "purpose", "published", "created_at"]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.upload_id}"
