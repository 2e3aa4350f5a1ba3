"""What the tracks of a day prove, pass by pass, with the certificate by which anybody can reckon it again; and what is not
in order. Times are seconds from midnight of the day on the district's wall clock, as in a plan."""

from django.db import models
from django.db.models import Q

from shaodao.cases.models import Case
from shaodao.cases.models.fields import PERSON, ref
from shaodao.sanitation.models.fleet import Crew, Vehicle
from shaodao.sanitation.models.plans import DayPlan
from shaodao.sanitation.models.roads import Road, Segment
from shaodao.sanitation.models.services import ServiceMode
from shaodao.sanitation.proof.words import FindingState, PassState


class DayProof(models.Model):
    """Made once and never changed; data that comes in later makes another one, which then is `current`."""

    day = models.DateField(db_index=True)
    number = models.PositiveIntegerField(default=1)  # of the day: 1, 2, …
    current = models.BooleanField(default=True)
    plan = ref(DayPlan, "proofs")  # null: there was none, the service modes said what is asked
    made_at = models.DateTimeField()
    made_by = ref(PERSON, "sanitation_proofs")
    closed = models.BooleanField(default=False)  # made when the day was over
    tracks_at = models.DateTimeField(null=True, blank=True)  # when the tracks that it rests on were last added to
    certificate = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)  # SHA-256 of the certificate
    figures = models.JSONField(default=dict)  # proof/figures.py

    class Meta:
        ordering = ["-day", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["day"], condition=Q(current=True), name="one_current_proof_a_day"),
            models.UniqueConstraint(fields=["day", "number"], name="proof_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} v{self.number}"


class ProvenPass(models.Model):
    """One pass that was asked of a segment, and what of it is proven; or (`pass_no` 0) work that nobody asked for."""

    proof = models.ForeignKey(DayProof, models.CASCADE, related_name="passes")
    segment = ref(Segment, "proven_passes", null=False)
    mode = ref(ServiceMode, "proven_passes", null=False)
    pass_no = models.PositiveSmallIntegerField(default=0)
    vehicle = ref(Vehicle, "proven_passes")  # that the plan names, or that did it
    crew = ref(Crew, "proven_passes")
    begin_s = models.FloatField(null=True)  # as asked
    end_s = models.FloatField(null=True)
    state = models.CharField(max_length=8, choices=PassState.choices)
    wrong = models.CharField(max_length=60, blank=True)  # words.Kind, each between commas: ",late,peak,"
    why = models.CharField(max_length=20, blank=True)  # why one cannot tell: silent, unsure
    length_m = models.FloatField()
    serviced_m = models.FloatField(default=0)  # of one run over the segment, likely
    sure_m = models.FloatField(default=0)
    possible_m = models.FloatField(default=0)
    runs_asked = models.PositiveSmallIntegerField(default=1)
    runs_seen = models.FloatField(default=0)  # visits as far as GNSS tells them apart, in whole lengths
    evidence = models.JSONField(default=list)  # [[vehicle, begin, end, serviced metres, verdict], …]
    gaps = models.JSONField(default=list)  # [[from, to], …] metres from the segment's beginning that nothing serviced

    class Meta:
        ordering = ["proof", "segment", "mode", "pass_no"]
        indexes = [models.Index(fields=["proof", "mode", "pass_no"]), models.Index(fields=["proof", "state"])]

    def __str__(self) -> str:
        return f"{self.proof_id} {self.segment_id} {self.mode_id} {self.pass_no}"


class ServiceFinding(models.Model):
    """What is not in order with a service on a road on a day: one row, and at most one case, for all its segments."""

    day = models.DateField()
    road = ref(Road, "findings", null=False)
    mode = ref(ServiceMode, "findings", null=False)
    crew = ref(Crew, "findings")  # that most of it is asked of
    kinds = models.CharField(max_length=60)  # ",missed,peak,"
    items = models.JSONField(default=list)  # [{kind, segment, pass_no, metres, vehicle, crew, begin_s, made_up}, …]
    metres = models.FloatField(default=0)  # of segments that are not in order, each pass by itself
    lon = models.FloatField(null=True)  # of the longest stretch that is missing; WGS-84
    lat = models.FloatField(null=True)
    state = models.CharField(max_length=7, choices=FindingState.choices, default=FindingState.OPEN)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    case = ref(Case, "sanitation_findings")
    filed_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)  # why it could not be filed

    class Meta:
        ordering = ["-day", "road__code", "mode__code"]
        constraints = [models.UniqueConstraint(fields=["day", "road", "mode"], name="one_finding_a_road_service_day")]
        indexes = [models.Index(fields=["state", "day"]), models.Index(fields=["filed_at"])]

    def __str__(self) -> str:
        return f"{self.day} {self.road_id} {self.mode_id}"
