"""Telling the reporter and showing on the public page are two choices; notes from before were both at once."""

from django.db import migrations, models


def told_too(apps, schema_editor):
    apps.get_model("cases", "Note").objects.filter(public=True).update(told=True)


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_notice_data")]

    operations = [
        migrations.AddField(model_name="note", name="told", field=models.BooleanField(default=False)),
        migrations.RunPython(told_too, migrations.RunPython.noop),
    ]
