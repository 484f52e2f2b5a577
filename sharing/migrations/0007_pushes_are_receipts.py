from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0006_links_have_terms_and_count_takings"),
    ]

    operations = [
        migrations.AlterField(
            model_name="receipt",
            name="kind",
            field=models.CharField(
                choices=[
                    ("zip", "everything as a zip"),
                    ("part", "some files as a zip"),
                    ("file", "a file"),
                    ("manifest", "the list of checksums"),
                    ("copy", "everything, into another project"),
                    ("push", "everything, to storage of their own"),
                ],
                max_length=8,
            ),
        ),
    ]
