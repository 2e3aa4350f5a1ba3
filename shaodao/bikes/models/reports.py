"""The report of a day: figures that are written once the day is over, and never changed after that."""

from django.db import models
from django.db.models import Q

from shaodao.bikes.models.operators import Operator
from shaodao.cases.models.fields import ref


class DayReport(models.Model):
    """A day of the district's clock, of one operator or (null) of all. While the day is open its row is computed anew;
    once it is final it stays. Positions that come in later make a row with the next version; the newest is `latest`."""

    day = models.DateField()
    operator = ref(Operator, "day_reports")
    version = models.PositiveIntegerField(default=1)
    latest = models.BooleanField(default=True)
    final = models.BooleanField(default=False)
    computed_at = models.DateTimeField()
    source = models.CharField(max_length=64)  # digest of the day's files of positions
    rules = models.JSONField(default=dict)  # what it was computed by: pack, version of the figures, bays, zones
    figures = models.JSONField(default=dict)  # reports/daily.py
    score = models.FloatField(null=True)  # 0 to 100; null: too little to say, or of all operators
    parts = models.JSONField(default=list)  # of the score, each with its numbers: reports/scoring.py

    class Meta:
        ordering = ["-day", "operator_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "operator", "version"], condition=Q(operator__isnull=False), name="day_report_once"
            ),
            models.UniqueConstraint(
                fields=["day", "version"], condition=Q(operator__isnull=True), name="day_report_of_all_once"
            ),
        ]
        indexes = [models.Index(fields=["latest", "day", "operator"])]

    def __str__(self) -> str:
        return f"{self.day} {self.operator_id or '*'} v{self.version}"
