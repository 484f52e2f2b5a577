import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import portal.link_tokens


def write_down_who_waits(apps, schema_editor):
    """Until now the link itself knew that somebody asked, and the mail was about the link."""
    links = apps.get_model("sharing", "ShareLink").objects.filter(more_time_asked_at__isnull=False)
    requests = apps.get_model("sharing", "RenewalRequest").objects
    notices = apps.get_model("portal", "Notice").objects.filter(kind="more-time-asked")
    for link in links.iterator():
        told = notices.filter(subject_id=str(link.pk), slot=f"{link.expires_at:%Y-%m-%dT%H:%M:%S}")
        asked = requests.create(
            link=link,
            ended_at=link.expires_at,
            asked_by=link.recipient,
            asked_at=link.more_time_asked_at,
            asked_of=list(told.values_list("to", flat=True)),
        )
        told.update(subject_id=str(asked.pk), slot="asked")


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0008_projects_let_recipients_push"),
        ("sharing", "0007_pushes_are_receipts"),
    ]

    operations = [
        migrations.CreateModel(
            name="RenewalPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "answer",
                    models.CharField(
                        choices=[("ask", "a manager is asked"), ("at_once", "it is given at once")],
                        default="ask",
                        max_length=8,
                    ),
                ),
                (
                    "days",
                    models.PositiveIntegerField(
                        default=14,
                        help_text="How long a link works when it is given more time. A manager may give another number.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                    ),
                ),
                (
                    "most_times",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="At once, so often for each link; then a manager is asked.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                    ),
                ),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="renewal_policy", to="portal.project"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("days__gte", 1)), name="renewal_gives_at_least_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(("most_times__gte", 1)), name="renewal_at_once_is_given_at_least_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RenewalRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ended_at", models.DateTimeField(help_text="The end of the link after which it was asked.")),
                ("asked_by", models.CharField(max_length=254)),
                ("asked_at", models.DateTimeField()),
                (
                    "asked_of",
                    models.JSONField(
                        default=list, help_text="Addresses of those who were told and may answer by mail."
                    ),
                ),
                (
                    "key_id",
                    models.CharField(
                        default=portal.link_tokens.current_key_id,
                        editable=False,
                        help_text="Which key of the ring signs their addresses.",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("granted", "granted"), ("refused", "refused")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.CharField(blank=True, default="", help_text="As the audit names them.", max_length=254),
                ),
                (
                    "how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("at_once", "by the project’s policy"),
                            ("mail", "from the mail"),
                            ("member", "by a member"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("until", models.DateTimeField(blank=True, help_text="What was granted.", null=True)),
                ("words", models.TextField(blank=True, default="", help_text="Why it was refused, for the recipient.")),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewal_requests",
                        to="sharing.sharelink",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["asked_at"], name="renewals_to_answer"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("link", "ended_at"), name="more_time_is_asked_once_for_each_end"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at", None), ("how", ""), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("answered_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="answered_renewal_says_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "granted"), ("until__gt", models.F("ended_at"))),
                            models.Q(models.Q(("state", "granted"), _negated=True), ("until", None)),
                            _connector="OR",
                        ),
                        name="granted_renewal_is_for_longer",
                    ),
                ],
            },
        ),
        migrations.RunPython(write_down_who_waits, migrations.RunPython.noop),
    ]
