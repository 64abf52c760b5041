from django.db import migrations, models

INDEX = "subscriber_email_begins"


def make(apps, schema_editor):
    """For the staff's search; a small site's embedded database does without."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE INDEX {INDEX} ON subscriptions_subscriber (lower(email) text_pattern_ops)"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0013_editors_desk")]
    operations = [
        migrations.RunPython(make, drop),
        migrations.RemoveIndex(model_name="subscriber", name="subscriber_by_status"),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(fields=["status", "cadence"], name="subscriber_by_status"),
        ),
    ]
