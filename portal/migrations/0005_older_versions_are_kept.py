from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def were_safe_when_released(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    dataset = apps.get_model("portal", "Dataset")
    dataset.objects.filter(corrupt_count=0).update(safe_to_delete_since=models.F("released_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_instruments_ask_for_metadata"),
    ]

    operations = [
        migrations.AddField(
            model_name="datafile",
            name="kept",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "not an older version"),
                    ("in_place", "still in the dataset's folder"),
                    ("aside", "moved aside"),
                    ("gone", "removed"),
                ],
                default="",
                help_text="Where an older version's bytes are.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="dataset",
            name="bytes_kept",
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text="Of older versions of files."),
        ),
        migrations.AddField(
            model_name="dataset",
            name="safe_to_delete_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Every file was read back and is what was sent; empty again once one is found corrupt.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="datafile",
            index=models.Index(
                condition=models.Q(("kept__in", ["in_place", "aside"])),
                fields=["dataset", "path_key"],
                name="older_versions_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="datafile",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept", ""), ("state", "superseded"), _connector="OR"),
                name="only_older_versions_are_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="dataset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("safe_to_delete_since__isnull", True), ("released_at__isnull", False), _connector="OR"
                ),
                name="dataset_is_safe_to_delete_only_once_released",
            ),
        ),
        migrations.RunPython(were_safe_when_released, migrations.RunPython.noop),
    ]
