"""What a rule found, and from where to when; when all bikes were last looked at."""

from django.db import models

from shaodao.bikes.findings.words import LIVE, FindingState, PlaceKind, Rule
from shaodao.bikes.models.bays import Bay, Zone
from shaodao.bikes.models.operators import Operator
from shaodao.cases.models import Case
from shaodao.cases.models.fields import ref
from shaodao.places.models import Place


class Finding(models.Model):
    """One thing that is not in order at one place, from when it was first seen. While it lasts there is one row of it;
    `key` says place and, for rules that look at each operator by itself, operator. Written by findings/observe.py."""

    rule = models.CharField(max_length=14, choices=Rule.choices)
    place = models.CharField(max_length=8, choices=PlaceKind.choices)
    key = models.CharField(max_length=160)
    operator = ref(Operator, "findings", null=False)  # answers for it; where several do, the one with most bikes
    bay = ref(Bay, "findings")
    zone = ref(Zone, "findings")
    street = ref(Place, "street_findings")
    community = ref(Place, "community_findings")
    vehicle_id = models.CharField(max_length=100, blank=True)
    lon_e6 = models.IntegerField(null=True)  # microdegrees; null: the whole district
    lat_e6 = models.IntegerField(null=True)
    count = models.IntegerField()  # bikes now (idle: days)
    limit = models.IntegerField()  # of the rule: more is a finding
    shares = models.JSONField(default=dict)  # {operator's key: {"n": bikes, "over": too many, "ids": some of them}}
    asked = models.JSONField(default=dict)  # the rule's parameters when it was first seen
    first_seen_at = models.DateTimeField()  # since when it has been seen without a gap
    last_seen_at = models.DateTimeField()
    absent_since = models.DateTimeField(null=True, blank=True)  # not seen any more, with all feeds that matter alive
    state = models.CharField(max_length=7, choices=FindingState.choices, default=FindingState.OPEN)
    case = ref(Case, "bike_findings")
    filed_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    spot_check = models.BooleanField(default=False)  # drawn when it was filed: a person looks before the case closes
    problem = models.CharField(max_length=300, blank=True)  # why it could not be filed

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "key"], condition=models.Q(state__in=LIVE), name="one_live_finding_of_a_place"
            )
        ]
        indexes = [
            models.Index(fields=["state", "rule"]),
            models.Index(fields=["rule", "key"]),
            models.Index(fields=["rule", "filed_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.key}"


class Observation(models.Model):
    """The one row that says when all bikes were last looked at; who looks holds its lock."""

    at = models.DateTimeField(null=True, blank=True)
    bikes = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.at}"
