"""Who is who: organisations, persons, and the posts that give a person a role over a place or an organisation."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from shaodao.foundation.naming import named
from shaodao.places.models import Place

ENTERED = "entered"  # `Organisation.source` of one that was made in the program: a pack that does not name it leaves it


class Organisation(models.Model):
    class Kind(models.TextChoices):
        HEADQUARTERS = "headquarters", _("总指挥部办公室")
        HOTLINE = "hotline", _("热线受理")
        INSPECTION = "inspection", _("监督员队伍")
        STREET = "street", _("街道办事处")
        COMMUNITY = "community", _("社区")
        DEPARTMENT = "department", _("职能部门")
        OPERATOR = "operator", _("运营企业")

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    kind = models.CharField(max_length=14, choices=Kind.choices, db_index=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    place = models.ForeignKey(Place, null=True, blank=True, on_delete=models.PROTECT, related_name="organisations")
    illustrative = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Person(AbstractUser):
    """Somebody who signs in. What they may do follows from their posts, never from flags on the person."""

    name = models.CharField(_("姓名"), max_length=60, blank=True)
    name_en = models.CharField(max_length=100, blank=True)
    sample = models.BooleanField(default=False)
    wrong_codes = models.PositiveSmallIntegerField(default=0)  # in a row, from any address
    session_epoch = models.PositiveIntegerField(default=0)  # raised to end every session of this person

    def __str__(self) -> str:
        """The name in the language of the page; what is written down for good takes `name` itself."""
        return named(self) or self.username

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        """What a session is bound to: the password, and the epoch, so that all sessions can be ended at once."""
        bound = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.session_epoch:
            return str(bound)
        return salted_hmac("organisations.session", f"{bound}|{self.session_epoch}", algorithm="sha256").hexdigest()


class Factor(models.Model):
    """What a person has besides the password: an authenticator app, or a passkey."""

    class Kind(models.TextChoices):
        TOTP = "totp", _("验证器")
        PASSKEY = "passkey", _("通行密钥")

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=60, blank=True)  # of a passkey
    secret = models.TextField()  # sealed (account/sealing.py): the app's key, or the passkey's public credential
    last_step = models.BigIntegerField(default=0)  # the app's last step, or the passkey's last counter, that was used
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=models.Q(kind="totp"), name="one_authenticator_app")
        ]

    def __str__(self) -> str:
        return self.name or self.get_kind_display()


class RecoveryCode(models.Model):
    """A code on paper for the day when the phone is gone: good once, kept only as a keyed digest."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["person", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class Post(models.Model):
    """A role held over a place or within an organisation. Roles are the field's posts; permissions hang on them."""

    class Role(models.TextChoices):
        INTAKE = "intake", _("受理员")
        DUTY_LEADER = "duty_leader", _("值班长")
        DISPATCHER = "dispatcher", _("派遣员")
        INSPECTOR = "inspector", _("监督员")
        HOTLINE = "hotline", _("热线话务员")
        HEADQUARTERS = "headquarters", _("总指挥部")
        STREET = "street", _("街道经办人")
        STREET_LEADER = "street_leader", _("街道负责人")
        COMMUNITY = "community", _("社区网格员")
        DEPARTMENT = "department", _("部门经办人")
        OPERATOR = "operator", _("企业经办人")
        ADMIN = "admin", _("系统管理员")

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="posts")
    role = models.CharField(max_length=14, choices=Role.choices)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="posts")
    place = models.ForeignKey(Place, null=True, blank=True, on_delete=models.PROTECT, related_name="posts")
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "role", "organisation"], name="post_once_per_organisation")
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_role_display()} {self.organisation}"


class ApiToken(models.Model):
    """A machine's key: only its SHA-256 is kept; it acts with the posts of its person, within its scopes."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)  # of `tokens.SCOPES`
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
