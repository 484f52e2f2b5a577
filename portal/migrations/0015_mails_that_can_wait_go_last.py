from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

KINDS = ["reminder", "reminder-copy", "reminder-digest", "downloads-digest", "storage-report"]


def let_them_wait(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Those that are still to be sent; of the others it does not matter."""
    notices = apps.get_model("portal", "Notice").objects
    notices.filter(state__in=["due", "claimed"], kind__in=KINDS).update(can_wait=True)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0014_datasets_are_found_by_their_release"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="can_wait",
            field=models.BooleanField(default=False, help_text="Goes after those that somebody waits for."),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["state", "can_wait", "id"], name="notices_by_turn"),
        ),
        migrations.RunPython(let_them_wait, migrations.RunPython.noop, elidable=True),
    ]
