from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0004_copies_are_receipts"),
    ]

    operations = [
        migrations.AddField(
            model_name="runningrequest",
            name="place",
            field=models.PositiveIntegerField(
                help_text="Where that process notes how far it came; none when nothing more is to be learned there.",
                null=True,
            ),
        ),
    ]
