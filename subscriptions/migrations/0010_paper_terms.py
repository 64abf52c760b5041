import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0009_readers_side"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaperTerms",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "text",
                    models.CharField(
                        help_text="a hash of its text, as vectors have it", max_length=32
                    ),
                ),
                ("packed", models.BinaryField(help_text="see matching/index.py")),
                (
                    "paper",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="terms",
                        to="subscriptions.paper",
                    ),
                ),
            ],
        ),
    ]
