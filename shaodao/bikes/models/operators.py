"""Operators of shared bikes: the application, its papers, the chained events of both."""

from django.db import models

from shaodao.bikes.words import OperatorState, PaperState
from shaodao.cases.models.fields import PERSON, digest, ref
from shaodao.foundation.models import Upload
from shaodao.organisations.models import Organisation


class ChecklistItem(models.Model):
    """A paper that an operator hands in, as the pack lists it; one that the pack no longer names is inactive."""

    code = models.CharField(max_length=20, unique=True)
    order = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    required = models.BooleanField(default=True)
    what = models.CharField(max_length=300)  # what the reviewer looks at
    what_en = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=300, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "code"]

    def __str__(self) -> str:
        return self.name


class Operator(models.Model):
    """A company that applies to run shared bikes in the district, or runs them. Its name and code are those of its
    organisation. The contact is personal data: it stands here and never in an event (only its digest does)."""

    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="bike_operator")
    state = models.CharField(max_length=10, choices=OperatorState.choices, default=OperatorState.DRAFT)
    legal_name = models.CharField(max_length=100, blank=True)  # as on its business licence
    contact_name = models.CharField(max_length=60, blank=True)
    contact_phone = models.CharField(max_length=30, blank=True)
    contact_email = models.CharField(max_length=150, blank=True)
    requested_quota = models.PositiveIntegerField(null=True, blank=True)
    fleet = models.PositiveIntegerField(null=True, blank=True)  # what it says of itself: bikes it owns,
    staff = models.PositiveIntegerField(null=True, blank=True)  # people who rebalance them,
    vans = models.PositiveIntegerField(null=True, blank=True)  # vehicles that they use,
    intact_percent = models.FloatField(null=True, blank=True)  # and the share of bikes fit to ride
    quota = models.PositiveIntegerField(default=0)  # bikes that it may put out; 0 unless admitted or suspended
    term_from = models.DateField(null=True, blank=True)
    term_until = models.DateField(null=True, blank=True)  # the last day
    warnings = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=0)  # number of its events
    head = models.CharField(max_length=64, blank=True)  # hash of the last event

    contact = property(lambda row: "\n".join((row.contact_name, row.contact_phone, row.contact_email)).strip())
    contact_sha256 = digest("contact")
    TRACKED = [
        "organisation_id",
        "state",
        "legal_name",
        "contact_sha256",
        "requested_quota",
        "fleet",
        "staff",
        "vans",
        "intact_percent",
        "quota",
        "term_from",
        "term_until",
        "warnings",
        "applied_at",
    ]

    class Meta:
        ordering = ["organisation__code"]

    def __str__(self) -> str:
        return str(self.organisation)


class OperatorPaper(models.Model):
    """A file handed in for one item of the checklist; a newer one replaces it, and both are kept."""

    operator = ref(Operator, "papers", null=False)
    item = ref(ChecklistItem, "papers", null=False)
    upload = ref(Upload, "operator_papers", null=False)
    sha256 = models.CharField(max_length=64)  # of the file
    name = models.CharField(max_length=100)  # of the file, as the sender called it
    valid_until = models.DateField(null=True, blank=True)  # last day, of an insurance or a licence
    state = models.CharField(max_length=8, choices=PaperState.choices, default=PaperState.SENT)
    note = models.TextField(blank=True)  # of the reviewer
    sent_at = models.DateTimeField()
    sent_by = ref(PERSON, "sent_operator_papers")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = ref(PERSON, "reviewed_operator_papers")

    note_sha256 = digest("note")
    TRACKED = [
        "operator_id",
        "item_id",
        "sha256",
        "name",
        "valid_until",
        "state",
        "note_sha256",
        "sent_at",
        "sent_by_id",
        "reviewed_at",
        "reviewed_by_id",
    ]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.item_id} {self.state}"


class OperatorEvent(models.Model):
    """One thing that happened to an operator: who, when, what, why, before and after. Written once, chained by hash."""

    operator = ref(Operator, "events", null=False)
    seq = models.PositiveIntegerField()  # 1, 2, 3 … without a gap
    at = models.DateTimeField()
    actor = ref(PERSON, "operator_events")
    actor_label = models.CharField(max_length=150)
    role = models.CharField(max_length=14)
    action = models.CharField(max_length=30)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)  # {"operator:3": {"state": ["draft", "submitted"]}, …}
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["operator_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["operator", "seq"], name="operator_event_seq")]

    def __str__(self) -> str:
        return f"{self.operator_id}/{self.seq} {self.action}"
