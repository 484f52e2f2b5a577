import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0003_deliveries"),
        ("portal", "0006_projects_choose_their_store"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FileToPush",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="delivery",
            name="dataset_has_one_push_at_a_time_to_a_destination",
        ),
        migrations.RemoveConstraint(
            model_name="delivery",
            name="delivery_that_ended_says_when",
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="deliveries_under_way",
        ),
        migrations.AddField(
            model_name="delivery",
            name="caught_up",
            field=models.BooleanField(default=False, help_text="What was verified before it began has been copied."),
        ),
        migrations.AddField(
            model_name="delivery",
            name="idle_at",
            field=models.DateTimeField(blank=True, help_text="When that will be the case.", null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="idle_hours",
            field=models.PositiveSmallIntegerField(
                default=24, help_text="A live one ends after so long without a file."
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="live",
            field=models.BooleanField(default=False, help_text="Begun while files still came."),
        ),
        migrations.AddField(
            model_name="destination",
            name="live",
            field=models.BooleanField(default=False, help_text="Each file once it is verified, before the release."),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="occasion",
            field=models.CharField(help_text="`release`, `live`, or the form by which somebody asked.", max_length=48),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("following", "waiting for files"),
                    ("pushing", "pushing"),
                    ("checking", "being compared"),
                    ("done", "done"),
                    ("failed", "failed"),
                    ("cancelled", "cancelled"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "following", "pushing", "checking"))),
                fields=["id"],
                name="deliveries_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("waiting", "following", "pushing", "checking"))),
                fields=("dataset", "destination"),
                name="dataset_has_one_push_at_a_time_to_a_destination",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True), ("state__in", ("waiting", "following", "pushing", "checking"))
                    ),
                    models.Q(
                        models.Q(("state__in", ("waiting", "following", "pushing", "checking")), _negated=True),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="delivery_that_ended_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("idle_at__isnull", True), ("live", False), models.Q(("state", "following"), _negated=True)
                    ),
                    models.Q(("idle_at__isnull", False), ("live", True)),
                    _connector="OR",
                ),
                name="live_delivery_knows_when_it_is_idle",
            ),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.CheckConstraint(
                condition=models.Q(("live", False), ("on_release", True), _connector="OR"),
                name="live_destination_takes_every_release",
            ),
        ),
        migrations.AddField(
            model_name="filetopush",
            name="delivery",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="files_to_push", to="delivery.delivery"
            ),
        ),
        migrations.AddField(
            model_name="filetopush",
            name="file",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.datafile"
            ),
        ),
        migrations.AddIndex(
            model_name="filetopush",
            index=models.Index(fields=["delivery", "id"], name="files_to_push_in_order"),
        ),
        migrations.AddConstraint(
            model_name="filetopush",
            constraint=models.UniqueConstraint(fields=("delivery", "file"), name="file_waits_once_for_a_push"),
        ),
    ]
