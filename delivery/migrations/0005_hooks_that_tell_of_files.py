import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0004_live_pushes"),
        ("portal", "0006_projects_choose_their_store"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Hook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=32)),
                ("url", models.CharField(max_length=1000)),
                (
                    "locked",
                    models.TextField(blank=True, editable=False, help_text="What signs its messages, encrypted."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "active"), ("stopped", "stopped"), ("removed", "removed")],
                        default="active",
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, default="", help_text="Why it stopped, or waits.", max_length=300),
                ),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("last_turn_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="hooks", to="portal.project"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="FileToTell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.datafile"
                    ),
                ),
                (
                    "hook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files_to_tell", to="delivery.hook"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="HookMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The same at each try: `webhook-id`.", max_length=40, unique=True)),
                ("files", models.PositiveIntegerField(default=0)),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                (
                    "status",
                    models.PositiveSmallIntegerField(blank=True, help_text="Of HTTP, at the last try.", null=True),
                ),
                ("answer", models.CharField(blank=True, default="", help_text="Or what went wrong.", max_length=300)),
                ("took_ms", models.PositiveIntegerField(default=0)),
                (
                    "dataset",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.dataset"
                    ),
                ),
                (
                    "hook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="delivery.hook"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at__isnull", True), models.Q(("state", "removed"), _negated=True)),
                    models.Q(("locked", ""), ("removed_at__isnull", False), ("state", "removed")),
                    _connector="OR",
                ),
                name="removed_hook_keeps_no_secret",
            ),
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "stopped"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="stopped_hook_says_why",
            ),
        ),
        migrations.AddIndex(
            model_name="filetotell",
            index=models.Index(fields=["hook", "id"], name="files_to_tell_in_order"),
        ),
        migrations.AddIndex(
            model_name="hookmessage",
            index=models.Index(fields=["hook", "-id"], name="messages_of_a_hook"),
        ),
    ]
