from typing import Any

from django.db import migrations, models


def forget_the_erased(apps: Any, schema_editor: Any) -> None:
    apps.get_model("subscriptions", "Suppression").objects.filter(reason="erased").delete()


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0017_large_lists")]
    operations = [
        migrations.RemoveConstraint(model_name="suppression", name="suppression_reason"),
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("bounce", "Bounce"),
                    ("complaint", "Complaint"),
                    ("operator", "Operator"),
                    ("erased", "Erased"),
                ],
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["bounce", "complaint", "operator", "erased"])),
                name="suppression_reason",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_the_erased),
    ]
