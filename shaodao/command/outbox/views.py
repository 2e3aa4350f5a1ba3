"""Pages of the outbox. Addresses of reporters are not shown, nor the texts, which carry their one-time links."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.command import pages
from shaodao.command.access import page, scope_of
from shaodao.command.outbox.forms import WebhookForm
from shaodao.foundation import clock, subscriptions
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import Delivery, Webhook

KEEPERS = frozenset({"admin", "headquarters"})
COLOURS = {"waiting": "yellow", "sent": "green", "failed": "red"}
FORM = ["GET", "HEAD", "POST"]


@require_safe
@page(KEEPERS)
def deliveries(request: HttpRequest) -> HttpResponse:
    """Newest first, filtered by state, channel, subscription and words of the subject."""
    filters = pages.Filters(request)
    state = filters.choice("state", Delivery.State.values)
    channel = filters.choice("channel", Delivery.Channel.values)
    hooks = [(str(pk), name) for pk, name in Webhook.objects.order_by("name").values_list("pk", "name")]
    hook, words = filters.choice("webhook", [pk for pk, _name in hooks]), filters.text("q")
    wanted: dict[str, Any] = {"state": state, "channel": channel, "webhook": hook, "subject__icontains": words}
    rows = Delivery.objects.filter(**{k: v for k, v in wanted.items() if v}).select_related("webhook", "message")
    shown = pages.paged(request, rows.order_by("-id"))
    for row in shown:
        row.light = COLOURS[row.state]
    counts = dict(Delivery.objects.values_list("state").annotate(n=Count("id")).order_by())
    return pages.show(
        request,
        "command/outbox.html",
        "outbox",
        rows=shown,
        tiles=[(s.value, s.label, counts.get(s.value, 0)) for s in Delivery.State],
        controls=[
            pages.select(request, "state", _("状态"), Delivery.State.choices),
            pages.select(request, "channel", _("方式"), Delivery.Channel.choices),
            pages.select(request, "webhook", _("订阅"), hooks),
            pages.field(request, "q", _("主题"), "search"),
        ],
        faults=filters.faults,
    )


@require_POST
@page(KEEPERS)
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Delivery, pk=pk)
    if row.state == Delivery.State.WAITING:
        messages.info(request, _("这一条还在等待发送"))
    else:
        subscriptions.resend(row, scope_of(request).actor.person, clock.now())
        messages.success(request, _("已重新排入发送"))
    return redirect("command_outbox")


@require_safe
@page(KEEPERS)
def webhooks(request: HttpRequest) -> HttpResponse:
    """Who listens, and how it goes with each."""
    number = {f"n_{s}": Count("deliveries", filter=Q(deliveries__state=s)) for s in Delivery.State.values}
    rows = Webhook.objects.annotate(**number).order_by("-active", "name")
    return pages.show(request, "command/webhooks.html", "outbox", rows=rows)


@never_cache
@require_http_methods(FORM)
@page(KEEPERS)
def new_webhook(request: HttpRequest) -> HttpResponse:
    """A new subscription; its secret is on the page that follows, once."""
    form = WebhookForm(request.POST or None, initial={"topics": "case.", "active": True})
    if request.method == "POST" and form.checked():
        try:
            row = subscriptions.subscribe(
                form.cleaned_data["name"].strip(),
                form.cleaned_data["url"].strip(),
                form.topic_list,
                scope_of(request).actor.person,
                clock.now(),
            )
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            return _secret(request, row)
    return pages.show(request, "command/webhook.html", "outbox", 422 if form.errors else 200, form=form, hook=None)


def _secret(request: HttpRequest, row: Webhook) -> HttpResponse:
    return pages.show(request, "command/webhook_secret.html", "outbox", hook=row)


@require_http_methods(FORM)
@page(KEEPERS)
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Webhook, pk=pk)
    given = {"name": row.name, "url": row.url, "topics": " ".join(row.topics), "active": row.active}
    form = WebhookForm(request.POST or None, initial=given)
    if request.method == "POST" and form.checked():
        data = form.cleaned_data
        try:
            subscriptions.change(
                row, data["name"].strip(), data["url"].strip(), form.topic_list, data["active"],
                scope_of(request).actor.person, clock.now(),
            )  # fmt: skip
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            messages.success(request, _("已保存"))
            return redirect("command_webhooks")
    return pages.show(request, "command/webhook.html", "outbox", 422 if form.errors else 200, form=form, hook=row)


@require_POST
@page(KEEPERS)
def try_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Webhook, pk=pk)
    subscriptions.try_out(row, scope_of(request).actor.person, clock.now())
    messages.success(request, _("测试消息已排入发送，稍后在这里看结果"))
    return redirect("command_outbox")


@never_cache
@require_POST
@page(KEEPERS)
def new_secret(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Webhook, pk=pk)
    subscriptions.new_secret(row, scope_of(request).actor.person, clock.now())
    return _secret(request, row)


@require_POST
@page(KEEPERS)
def remove_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Webhook, pk=pk)
    if subscriptions.remove(row, scope_of(request).actor.person, clock.now()):
        messages.success(request, _("订阅已删除"))
    else:
        messages.info(request, _("订阅有发送记录，已停用而不删除"))
    return redirect("command_webhooks")
