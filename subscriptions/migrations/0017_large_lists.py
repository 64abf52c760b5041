from django.db import migrations, models

# The admin's own log has none of its own: of one thing's history, and of what one did last.
INDEXES = {
    "log_of_object": "content_type_id, object_id",
    "log_of_user": "user_id, action_time",
}


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("subscriptions", "0016_import_files"),
    ]
    operations = [
        migrations.AlterField(
            model_name="paper",
            name="trend",
            field=models.FloatField(default=0.0, editable=False, help_text="see matching/trend.py"),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(fields=["-trend", "id"], name="paper_by_trend"),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(
                fields=["hidden", "-trend", "id"],
                name="paper_hidden",
                condition=models.Q(("hidden", ""), _negated=True),
            ),
        ),
        *(
            migrations.RunSQL(
                f"CREATE INDEX {name} ON django_admin_log ({columns})", f"DROP INDEX {name}"
            )
            for name, columns in INDEXES.items()
        ),
        migrations.AlterField(
            model_name="edition",
            name="intro",
            field=models.TextField(
                blank=True, help_text="a few words above the papers, in Markdown", max_length=2000
            ),
        ),
        migrations.AlterField(
            model_name="pick",
            name="note",
            field=models.TextField(
                blank=True, help_text="why it is worth reading, in Markdown", max_length=1000
            ),
        ),
    ]
