"""What things are: versioned schemes of categories, each with filing and closing conditions and their limits."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from shaodao.organisations.models import Organisation


class Scheme(models.Model):
    """A version of the catalogue, such as GB/T 30428 or GB/T 47678. Components and events share code numbers."""

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=150, blank=True)
    active = models.BooleanField(default=False)
    source = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.code


class Category(models.Model):
    class Kind(models.TextChoices):
        COMPONENT = "component", _("部件")
        EVENT = "event", _("事件")

    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="categories")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    code = models.CharField(max_length=10)
    major_code = models.CharField(max_length=4)
    major_name = models.CharField(max_length=60)
    major_name_en = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    keywords = models.CharField(max_length=300, blank=True)
    public = models.BooleanField(default=False)  # offered to the public on the report form and in Open311
    urgent = models.BooleanField(default=False)
    watch_days = models.PositiveSmallIntegerField(null=True, blank=True)  # None: the district's default
    watch_radius_m = models.PositiveSmallIntegerField(null=True, blank=True)
    duplicate_radius_m = models.PositiveSmallIntegerField(null=True, blank=True)
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["scheme_id", "kind", "code"]
        constraints = [models.UniqueConstraint(fields=["scheme", "kind", "code"], name="category_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The address of a category in API and pack: kind and code within the active scheme, e.g. event-0110."""
        return f"{self.kind}-{self.code}"


class Condition(models.Model):
    """A filing condition (立案条件) with its closing condition (结案条件); the time limit belongs to the condition."""

    class Unit(models.TextChoices):
        HOUR = "hour", _("紧急工作时")
        DAY = "day", _("自然日")
        WORK_HOUR = "work_hour", _("工作时")
        WORK_DAY = "work_day", _("工作日")

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="conditions")
    seq = models.PositiveSmallIntegerField()
    filing = models.CharField(max_length=300)
    closing = models.CharField(max_length=300)
    limit_value = models.FloatField()
    limit_unit = models.CharField(max_length=9, choices=Unit.choices)
    stages = models.JSONField(default=list)  # [{"name": "围护", "value": 3, "unit": "hour"}, …]
    lead = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="leads_conditions"
    )
    supports = models.ManyToManyField(Organisation, blank=True, related_name="supports_conditions")
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["category_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["category", "seq"], name="condition_key")]

    def __str__(self) -> str:
        return self.filing


class Attribute(models.Model):
    """A question that belongs to a category (Open311 service definition)."""

    class Datatype(models.TextChoices):
        STRING = "string"
        NUMBER = "number"
        DATETIME = "datetime"
        TEXT = "text"
        SINGLE = "singlevaluelist"
        MULTI = "multivaluelist"

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="attributes")
    code = models.CharField(max_length=40)
    datatype = models.CharField(max_length=16, choices=Datatype.choices)
    required = models.BooleanField(default=False)
    order = models.PositiveSmallIntegerField(default=1)
    description = models.CharField(max_length=200)
    description_en = models.CharField(max_length=200, blank=True)
    values = models.JSONField(default=list)  # [{"key": "yes", "name": "是", "name_en": "Yes"}, …]

    class Meta:
        ordering = ["category_id", "order"]
        constraints = [models.UniqueConstraint(fields=["category", "code"], name="attribute_key")]

    def __str__(self) -> str:
        return self.description


class CategoryMap(models.Model):
    """How a category of one scheme is called in another."""

    class Match(models.TextChoices):
        EXACT = "exact", _("一致")
        REVIEW = "review", _("待核对")
        NONE = "none", _("无对应")

    source_category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="maps_to")
    target_scheme = models.ForeignKey(Scheme, on_delete=models.CASCADE, related_name="mapped_from")
    target_category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.CASCADE, related_name="mapped_from"
    )
    match = models.CharField(max_length=6, choices=Match.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_category", "target_scheme"], name="category_map_key")]

    def __str__(self) -> str:
        return f"{self.source_category} → {self.target_category or '—'}"
