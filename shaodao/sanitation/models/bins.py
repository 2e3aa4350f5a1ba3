"""Litter bins and the rounds that look after them."""

from django.db import models

from shaodao.cases.models.fields import ref
from shaodao.sanitation.models.fleet import Placed
from shaodao.sanitation.models.kept import Kept
from shaodao.sanitation.models.roads import Road
from shaodao.sanitation.words import BinType


class BinRound(Kept):
    """What its bins get on a day: the article's two wipes, two emptyings, one disinfection."""

    wipes = models.PositiveSmallIntegerField(default=2)
    empties = models.PositiveSmallIntegerField(default=2)
    disinfections = models.PositiveSmallIntegerField(default=1)
    windows = models.JSONField(default=list)

    TRACKED = (*Kept.ALWAYS, "wipes", "empties", "disinfections", "windows")


class Bin(Placed):
    type = models.CharField(max_length=12, choices=BinType.choices, default=BinType.LITTER)
    round = ref(BinRound, "bins")
    road = ref(Road, "bins")

    TRACKED = (*Kept.ALWAYS, "lon", "lat", "type", "round_id", "road_id")

    class Meta(Placed.Meta):
        abstract = False
        indexes = [models.Index(fields=["road", "active"])]
