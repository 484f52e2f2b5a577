from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def tell_what_concerns_them(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A mail each time is what nobody had to choose, and it meant this."""
    apps.get_model("portal", "Membership").objects.filter(told_of_downloads="each").update(told_of_downloads="mine")


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0015_mails_that_can_wait_go_last"),
    ]

    operations = [
        migrations.AlterField(
            model_name="membership",
            name="told_of_downloads",
            field=models.CharField(
                choices=[
                    ("mine", "what concerns me, a mail each time"),
                    ("each", "everything, a mail each time"),
                    ("daily", "everything, one digest a day"),
                    ("never", "nothing"),
                ],
                default="mine",
                help_text="The person’s own wish, for mails to their address.",
                max_length=5,
            ),
        ),
        migrations.RunPython(tell_what_concerns_them, migrations.RunPython.noop, elidable=True),
    ]
