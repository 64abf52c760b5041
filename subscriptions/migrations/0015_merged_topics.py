import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0014_addresses_by_their_beginning"),
    ]

    operations = [
        migrations.AddField(
            model_name="topic",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="where its followers went; see flows/topics.py",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="merged",
                to="subscriptions.topic",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True), ("status", "retired"), _connector="OR"
                ),
                name="topic_merged_is_retired",
            ),
        ),
    ]
