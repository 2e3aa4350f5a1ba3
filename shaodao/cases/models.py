"""The spine: reports become cases; cases are assigned, handled, verified, closed, evaluated and watched.

Rows here are the present; `CaseEvent` is the history from which every tracked field can be rebuilt (`history.py`).
A model's `TRACKED` names the fields that its case's events carry; free text that may hold personal data stays out.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from shaodao.cases.words import AssignmentState, CaseState, Channel, ClockKind, Outcome, WhistleState
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation.models import Upload
from shaodao.organisations.models import Organisation
from shaodao.places.models import Cell, Place

PERSON = settings.AUTH_USER_MODEL


def ref(to, related: str, *, null: bool = True, on_delete=models.PROTECT):
    """A protected foreign key: nothing that a case names can be deleted under it."""
    return models.ForeignKey(to, null=null, blank=null, on_delete=on_delete, related_name=related)


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
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_cases")
    published = models.BooleanField(default=False)  # staff looked at text and photos and let the public see them
    public_text = models.TextField(blank=True)
    sample = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)  # number of its events
    head = models.CharField(max_length=64, blank=True)  # hash of the last event

    TRACKED = (
        "state outcome channel category_id condition_id urgent lon lat cell_id community_id street_id lead_id due_at "
        "yellow_at rung created_at filed_at dispatched_at handled_at closed_at watch_until watch_radius_m report_count "
        "rework_count return_count rebound_count merged_into_id published sample"
    ).split()

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
    def number(self) -> str:
        """The number people say on the telephone: the year of receipt and a running figure, never a random one."""
        return f"{self.created_at:%Y}-{self.pk:06d}"


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

    TRACKED = (
        "case_id first_case_id channel text_sha256 category_id topic lon lat datum source_lon source_lat reporter_id "
        "organisation_id me_too external_id created_at"
    ).split()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.pk}"


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

    case = ref(Case, "photos", null=False)
    report = ref(Report, "photos")
    assignment = ref("Assignment", "photos")
    upload = ref(Upload, "photos", null=False)
    purpose = models.CharField(max_length=6, choices=Purpose.choices, default=Purpose.REPORT)
    published = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    TRACKED = "case_id report_id assignment_id upload_id purpose published created_at".split()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.upload_id}"


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

    TRACKED = (
        "case_id kind state street_id reason lead_id support_ids drafted_by_id drafted_at confirmed_by_id confirmed_at"
    ).split()

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
        WHISTLE = "whistle", _("吹哨")
        SELF = "self", _("街道自行处置")
        REBOUND = "rebound", _("反弹重办")

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

    TRACKED = (
        "case_id organisation_id role via whistle_id state round sent_at signed_at arrived_at arrived_lon arrived_lat "
        "arrived_distance_m finished_at finished_by_id returned_at suspended_until extensions suspensions rework_count "
        "stages"
    ).split()

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

    TRACKED = (
        "case_id assignment_id kind started_at value unit yellow_share extensions pauses due_at yellow_at provisional "
        "stopped_at cancelled"
    ).split()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(stopped_at__isnull=True), name="running_clocks"),
            models.Index(fields=["kind", "started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.due_at:%F %R}"


class TimeRequest(models.Model):
    """A department asks for more time (延期) or for the case to rest (挂账); the dispatcher decides."""

    class Kind(models.TextChoices):
        EXTEND = "extend", _("延期")
        SUSPEND = "suspend", _("挂账")

    class State(models.TextChoices):
        PENDING = "pending", _("待审批")
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

    TRACKED = (
        "case_id assignment_id kind state reason until asked_by_id asked_at decided_by_id decided_at decision"
    ).split()

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

    TRACKED = (
        "case_id assignment_id reason raised_by_id raised_at category_id ruling lead_id support_ids ruled_by_id ruled_at"
    ).split()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.reason[:40]


class Note(models.Model):
    """A progress note of a department, or a word of the headquarters; `public` ones are shown to the reporter."""

    case = ref(Case, "notes", null=False)
    assignment = ref(Assignment, "notes")
    person = ref(PERSON, "notes")
    organisation = ref(Organisation, "notes")
    text = models.TextField()
    public = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    TRACKED = "case_id assignment_id person_id organisation_id public created_at".split()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:40]


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

    TRACKED = "case_id kind passed remark asked_at person_id done_at lon lat".split()

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

    TRACKED = (
        "case_id assignment_id street_id organisation_id efficiency effect reason facts person_id created_at comment "
        "commented_by_id commented_at"
    ).split()

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

    TRACKED = "case_id report_id round responded resolved satisfied created_at answered_at".split()

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

    TRACKED = "case_id due_at done_at rebounded remark person_id".split()

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

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class Notice(models.Model):
    """An inbox item: a reminder, an urging, a circular … for a role in an organisation; it stays until it is seen."""

    organisation = ref(Organisation, "notices", null=False)
    role = models.CharField(max_length=14, blank=True)  # empty: everybody with a post there
    case = ref(Case, "notices")
    kind = models.CharField(max_length=20)  # remind, urge, supervise, circular, rebound, returned …
    text = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = ref(PERSON, "seen_notices")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organisation", "seen_at"])]

    def __str__(self) -> str:
        return self.text


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


class Anchor(models.Model):
    """The heads of all chains on one day under one digest: a removed tail or a removed case shows against it."""

    date = models.DateField(unique=True)
    at = models.DateTimeField()
    heads = models.JSONField(default=dict)  # {case id: [version, head]} of cases whose head moved since the last anchor
    cases = models.PositiveIntegerField()
    events = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.digest[:12]}"
