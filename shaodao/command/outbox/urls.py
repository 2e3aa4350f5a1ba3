"""Addresses of the outbox, under /command/outbox/."""

from django.urls import path

from shaodao.command.outbox import views

urlpatterns = [
    path("", views.deliveries, name="command_outbox"),
    path("<int:pk>/resend/", views.resend, name="command_outbox_resend"),
    path("webhooks/", views.webhooks, name="command_webhooks"),
    path("webhooks/new/", views.new_webhook, name="command_webhook_new"),
    path("webhooks/<int:pk>/", views.webhook, name="command_webhook"),
    path("webhooks/<int:pk>/try/", views.try_webhook, name="command_webhook_try"),
    path("webhooks/<int:pk>/secret/", views.new_secret, name="command_webhook_secret"),
    path("webhooks/<int:pk>/remove/", views.remove_webhook, name="command_webhook_remove"),
]
