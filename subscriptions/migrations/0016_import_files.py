import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0015_merged_topics")]

    operations = [
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("content", models.BinaryField()),
                ("uploaded_at", models.DateTimeField()),
                (
                    "plan",
                    models.JSONField(default=dict, help_text="see Plan in flows/importing.py"),
                ),
                (
                    "seen",
                    models.JSONField(default=dict, help_text="what a look at its rows found"),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
