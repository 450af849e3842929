"""Finds the jobs that ended lately, by state."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transcription", "0011_prioritize_job")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["state", "finished"], name="jobs_state_finished"),
        ),
    ]
