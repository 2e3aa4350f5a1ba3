"""What has a table but no domain: the district's settings, the working calendar, the log, the outbox, uploads."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class District(models.Model):
    """The one district that this installation serves; its numbers are data of the pack, read through `district.py`."""

    code = models.CharField(max_length=6, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    centre_lon = models.FloatField()
    centre_lat = models.FloatField()
    outline = models.JSONField(null=True, blank=True)  # GeoJSON geometry, WGS-84, display only
    outline_coarse = models.BooleanField(default=True)
    settings = models.JSONField(default=dict)
    sample = models.BooleanField(default=False)  # demonstration data is loaded: every page says so
    pack_digest = models.CharField(max_length=64, blank=True)
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class CalendarDay(models.Model):
    """A day whose kind differs from its weekday: a public holiday, or a working weekend (调休)."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("节假日")
        WORKDAY = "workday", _("调休上班")

    date = models.DateField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=60, blank=True)
    source = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.date} {self.kind}"


class LogEntry(models.Model):
    """One line of the general log: sign-ins, readings of personal data, pack loads, changes of master data.

    Cases have their own chained events; what happens outside of a case is written here and never changed.
    """

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="log_entries"
    )
    actor_label = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=120, blank=True, db_index=True)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.action} {self.subject}"


class Upload(models.Model):
    """A file as it came in. `original` is restricted; `public` is a re-encoded copy without any metadata.

    Where faces or plates were blackened in the public copy, `clear` keeps the copy for those who work on the case.
    """

    sha256 = models.CharField(max_length=64, db_index=True)
    original = models.FileField(upload_to="originals/%Y/%m/")
    public = models.FileField(upload_to="public/%Y/%m/", blank=True)
    thumbnail = models.FileField(upload_to="public/%Y/%m/", blank=True)
    clear = models.FileField(upload_to="public/%Y/%m/", blank=True)  # empty: nothing was blackened
    clear_thumbnail = models.FileField(upload_to="public/%Y/%m/", blank=True)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="uploads"
    )
    uploaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.content_type} {self.sha256[:12]}"


class OutboxMessage(models.Model):
    """Something the world outside should hear of, written in the transaction that made it true.

    The SSE stream reads messages by id; `Delivery` rows carry each message to e-mail, SMS, WeCom and webhooks.
    """

    topic = models.CharField(max_length=60, db_index=True)  # case.filed, case.closed, inbox.changed …
    subject = models.CharField(max_length=60, blank=True, db_index=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.topic} {self.subject}"


class Webhook(models.Model):
    """A subscriber: topics are prefixes; the body is signed with HMAC-SHA256 over timestamp and body."""

    name = models.CharField(max_length=100)
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100)
    topics = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message on its way through one channel; retried with growing pauses, visible until it arrived or failed."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("电子邮件")
        SMS = "sms", _("短信")
        WECOM = "wecom", _("企业微信")
        WEBHOOK = "webhook", _("网络回调")

    class State(models.TextChoices):
        WAITING = "waiting", _("待发送")
        SENT = "sent", _("已发送")
        FAILED = "failed", _("发送失败")

    message = models.ForeignKey(OutboxMessage, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    webhook = models.ForeignKey(Webhook, null=True, blank=True, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_index=True)
    last_error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "next_attempt_at"])]

    def __str__(self) -> str:
        return f"{self.channel} {self.recipient} {self.state}"


class Job(models.Model):
    """A file that is worked off in the background, part by part: `jobs.py`. The file goes when the job ends."""

    class State(models.TextChoices):
        WAITING = "waiting", _("等待处理")
        RUNNING = "running", _("正在处理")
        DONE = "done", _("已完成")
        FAILED = "failed", _("没有处理完")
        CANCELLED = "cancelled", _("已取消")

    kind = models.CharField(max_length=40)  # whose: the name under which a room registered its work
    subject = models.CharField(max_length=120)  # what it is about, as in the log: operator:CODE
    name = models.CharField(max_length=100)  # of the file, as its sender called it
    file = models.FileField(upload_to="jobs/%Y/%m/", max_length=200, blank=True)
    size = models.BigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    options = models.JSONField(default=dict)  # what the sender chose
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    language = models.CharField(max_length=10)  # of its sender: faults are in it
    total = models.PositiveIntegerField()  # rows
    done = models.PositiveIntegerField(default=0)  # rows, in the transaction that took them in
    result = models.JSONField(default=dict)  # what became of them, kept by the work itself
    fault = models.CharField(max_length=500, blank=True)  # why it failed
    tries = models.PositiveSmallIntegerField(default=0)  # begun since the last row that was taken in
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state"]), models.Index(fields=["kind", "subject"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.name} {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def percent(self) -> int:
        """Rows that are done out of all, 0 to 100."""
        return 100 * self.done // self.total if self.total else 0
