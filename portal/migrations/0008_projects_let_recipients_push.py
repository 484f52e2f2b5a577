from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0007_programs_speak_for_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="recipients_may_push",
            field=models.BooleanField(
                default=False,
                help_text="Recipients may have the data sent to storage of their own, from the link's page.",
            ),
        ),
    ]
