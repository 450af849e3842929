"""What brought an upload's bytes, and which rows still have a client's address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("uploads", "0008_clearer_names")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="timeline",
            field=models.TextField(
                blank=True,
                default="",
                editable=False,
                help_text="See `services.activity.timeline`.",
            ),
        ),
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(
                condition=models.Q(("client_address", ""), _negated=True),
                fields=["created"],
                name="uploads_with_address",
            ),
        ),
    ]
