"""Two fields have clearer names. Their columns stay, so no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("uploads", "0007_previous_identity")]

    operations = [
        migrations.AlterField(
            "upload",
            "judged",
            models.BooleanField(
                default=False, db_column="judged", help_text="The first bytes were checked."
            ),
        ),
        migrations.RenameField("upload", "judged", "header_checked"),
        migrations.AlterField(
            "upload",
            "announced",
            models.DateTimeField(
                null=True,
                blank=True,
                db_column="announced",
                help_text="When the site was notified of the finished upload.",
            ),
        ),
        migrations.RenameField("upload", "announced", "notified_at"),
    ]
