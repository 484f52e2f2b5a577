import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UNDER_WAY = ("waiting", "pushing", "checking")


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0002_destinations"),
        ("portal", "0006_projects_choose_their_store"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=32)),
                (
                    "occasion",
                    models.CharField(help_text="`release`, or the form by which somebody asked for it.", max_length=48),
                ),
                ("asked_by_label", models.CharField(help_text="As the audit names them.", max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
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
                (
                    "reason",
                    models.CharField(
                        blank=True, default="", help_text="Why it waits, failed or was cancelled.", max_length=300
                    ),
                ),
                (
                    "cancelled_by",
                    models.CharField(blank=True, default="", help_text="Whoever pushes stops at once.", max_length=254),
                ),
                ("files_total", models.PositiveIntegerField(default=0)),
                ("bytes_total", models.PositiveBigIntegerField(default=0)),
                (
                    "files_done",
                    models.PositiveIntegerField(
                        default=0, help_text="Found there or copied; compared once it is done."
                    ),
                ),
                ("bytes_done", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_turn_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="portal.dataset"
                    ),
                ),
                (
                    "destination",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="delivery.destination",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["dataset", "-id"], name="deliveries_of_a_dataset"),
                    models.Index(
                        condition=models.Q(("state__in", UNDER_WAY)), fields=["id"], name="deliveries_under_way"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("dataset", "destination", "occasion"), name="dataset_is_pushed_once_for_an_occasion"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", UNDER_WAY)),
                        fields=("dataset", "destination"),
                        name="dataset_has_one_push_at_a_time_to_a_destination",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state__in", UNDER_WAY)),
                            models.Q(models.Q(("state__in", UNDER_WAY), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="delivery_that_ended_says_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["failed", "cancelled"]), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="delivery_that_failed_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            models.Q(("bytes_done", models.F("bytes_total")), ("files_done", models.F("files_total"))),
                            _connector="OR",
                        ),
                        name="delivery_that_is_done_has_every_file",
                    ),
                ],
            },
        ),
    ]
