from django.db import migrations, models

import sharing.models.links


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0005_killed_servers_tell_how_far_they_came"),
    ]

    operations = [
        migrations.AddField(
            model_name="receipt",
            name="taking_again",
            field=models.PositiveBigIntegerField(default=0, help_text="Bytes of it that were sent more than once."),
        ),
        migrations.AddField(
            model_name="receipt",
            name="taking_spans",
            field=models.JSONField(default=list, help_text="As `spans`, of the newest taking alone."),
        ),
        migrations.AddField(
            model_name="receipt",
            name="taking_whole",
            field=models.BooleanField(default=False, help_text="It has every byte."),
        ),
        migrations.AddField(
            model_name="receipt",
            name="takings",
            field=models.PositiveIntegerField(default=0, help_text="How often it was begun anew (`services.takings`)."),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="downloads",
            field=models.PositiveIntegerField(default=0, editable=False, help_text="Begun, in however many requests."),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="file_rounds",
            field=models.PositiveIntegerField(
                default=0, editable=False, help_text="How often some single file was taken; each round is one download."
            ),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="more_time_asked_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="most_downloads",
            field=models.PositiveIntegerField(blank=True, help_text="As `services.takings` counts them.", null=True),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="password_hash",
            field=models.CharField(blank=True, default="", editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="taken_by",
            field=models.JSONField(default=list, editable=False, help_text="The ways in which it was used, in words."),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="ways",
            field=models.JSONField(default=sharing.models.links.all_ways, help_text="Those of `Way` that are allowed."),
        ),
        migrations.AddConstraint(
            model_name="sharelink",
            constraint=models.CheckConstraint(
                condition=models.Q(("ways", []), _negated=True),
                name="link_allows_at_least_one_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="sharelink",
            constraint=models.CheckConstraint(
                condition=models.Q(("most_downloads__isnull", True), ("most_downloads__gte", 1), _connector="OR"),
                name="link_with_a_limit_allows_one_download",
            ),
        ),
    ]
