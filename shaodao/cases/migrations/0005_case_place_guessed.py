"""A case's street may be taken from the words of its address; the mark says that nobody has looked yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_note_told")]

    operations = [
        migrations.AddField(model_name="case", name="place_guessed", field=models.BooleanField(default=False)),
    ]
