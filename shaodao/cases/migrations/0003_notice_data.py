"""Inbox items keep what happened instead of a sentence; those from before keep theirs in `text`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_answered_letters")]

    operations = [
        migrations.AddField(model_name="notice", name="data", field=models.JSONField(default=dict)),
        migrations.AlterField(model_name="notice", name="text", field=models.CharField(blank=True, max_length=300)),
    ]
