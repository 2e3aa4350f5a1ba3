"""What every row of a book has, and what an event that explains it has. Both are abstract: each room has its own tables."""

from django.db import models


class Kept(models.Model):
    """A row that is kept with its history: `version` is the number of its events, `head` the hash of the last one.

    Nothing is deleted: what is taken away has `active` false. How a row stood on a day follows from its events.
    """

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=100, blank=True)
    name_en = models.CharField(max_length=150, blank=True)
    active = models.BooleanField(default=True)
    illustrative = models.BooleanField(default=False)
    source = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    valid_from = models.DateTimeField()  # of this version

    ALWAYS = ("code", "name", "name_en", "active", "illustrative", "source")

    class Meta:
        abstract = True
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name or self.code

    @property
    def subject(self) -> str:
        """As events name this row."""
        return f"{self._meta.model_name}:{self.code}"


class RowEvent(models.Model):
    """One change of one row: when, why, and before and after of each field. Never changed; chained by hash.

    A room's own class adds `actor` (its related name is the room's) and that subject and seq are unique together.
    """

    subject = models.CharField(
        max_length=80
    )  # segment:H1-01-1: a code never changes, and names a row before it has a key
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor_label = models.CharField(max_length=150)
    action = models.CharField(max_length=20)  # add, change, remove, restore
    reason = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=dict)  # {field: [before, after]}
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        abstract = True
        ordering = ["subject", "seq"]

    def __str__(self) -> str:
        return f"{self.subject} {self.seq}"
