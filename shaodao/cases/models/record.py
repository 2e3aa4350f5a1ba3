"""What is kept: inbox items, saved views, the chained events and their daily anchors."""

from django.db import models

from shaodao.cases.models.case import Case
from shaodao.cases.models.fields import PERSON, ref
from shaodao.cases.words import own_words
from shaodao.organisations.models import Organisation


class Notice(models.Model):
    """An inbox item: a reminder, an urging, a circular … for a role in an organisation; it stays until it is seen."""

    organisation = ref(Organisation, "notices", null=False)
    role = models.CharField(max_length=14, blank=True)  # empty: everybody with a post there
    case = ref(Case, "notices")
    kind = models.CharField(max_length=20)  # remind, urge, supervise, circular, rebound, returned …
    data = models.JSONField(default=dict)  # what the sentence needs; `notices.words` makes it in the reader's language
    text = models.CharField(max_length=300, blank=True)  # only of items from before `data`: the sentence itself
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = ref(PERSON, "seen_notices")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organisation", "seen_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.organisation_id}"


class Wording(models.Model):
    """A text of the district's pack for a reason or a reply; its code stays in the event, so that reasons can be counted."""

    action = models.CharField(max_length=30)
    code = models.CharField(max_length=30)
    seq = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=60)
    title_en = models.CharField(max_length=100, blank=True)
    text = models.CharField(max_length=500)
    text_en = models.CharField(max_length=500, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["action", "seq", "id"]
        constraints = [models.UniqueConstraint(fields=["action", "code"], name="wording_key")]

    def __str__(self) -> str:
        return self.title


class SavedView(models.Model):
    """A person's named filter over an inbox."""

    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="saved_view_name")]

    def __str__(self) -> str:
        return self.name


class CaseEvent(models.Model):
    """One thing that happened to a case: who, when, what, why, before and after. Written once, chained by hash."""

    case = ref(Case, "events", null=False)
    seq = models.PositiveIntegerField()  # 1, 2, 3 … without a gap
    at = models.DateTimeField()
    actor = ref(PERSON, "case_events")
    actor_label = models.CharField(max_length=150)
    role = models.CharField(max_length=14)
    action = models.CharField(max_length=30)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)  # {"case:12": {"state": ["received", "filed"]}, …}
    client_key = models.CharField(max_length=80, null=True, blank=True, unique=True)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["case_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["case", "seq"], name="case_event_seq")]
        indexes = [models.Index(fields=["action", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.seq} {self.action}"

    @property
    def why(self) -> str:
        """The reason as it is read: what somebody wrote, or what the program says in the language of the page."""
        return own_words(self.reason)


class Anchor(models.Model):
    """The heads of all chains on one day under one digest: a removed tail or a removed case shows against it."""

    date = models.DateField(unique=True)
    at = models.DateTimeField()
    # {case id: [version, head]} of cases whose head moved since the last anchor, and the heads of other rooms' chains
    heads = models.JSONField(default=dict)
    cases = models.PositiveIntegerField()
    events = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.digest[:12]}"
