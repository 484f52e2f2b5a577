from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0008_renewals_are_asked_for_and_answered"),
    ]

    operations = [
        migrations.RemoveField(model_name="sharelink", name="more_time_asked_at"),
    ]
