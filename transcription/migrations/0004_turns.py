from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Cast, Concat


def give_waiting_jobs_their_turn(apps, schema_editor):
    """Those whose owner is known; the others share one line, as they did before."""
    jobs = apps.get_model("transcription", "Job").objects.filter(state__in=("queued", "processing"))
    name = Concat(Value("user "), Cast("owner_id", models.CharField()))
    jobs.exclude(owner=None).update(turn=name)


class Migration(migrations.Migration):
    dependencies = [("transcription", "0003_owner_goes_along")]

    operations = [
        migrations.CreateModel(
            name="Turn",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="As in Job.turn.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("served", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="job",
            name="turn",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["state", "turn", "queued"], name="jobs_turns"),
        ),
        # Last: PostgreSQL changes no table in which rows have just changed.
        migrations.RunPython(give_waiting_jobs_their_turn, migrations.RunPython.noop),
    ]
