import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def give_each_token_a_family(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    tokens = apps.get_model("uploads", "UploadToken").objects
    for token_id in tokens.values_list("pk", flat=True):
        tokens.filter(pk=token_id).update(family=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0005_older_versions_are_kept"),
        ("uploads", "0003_parts_and_lengths_said_later"),
    ]

    operations = [
        migrations.AddField(
            model_name="uploadtoken",
            name="family",
            field=models.UUIDField(
                db_index=True,
                default=uuid.uuid4,
                editable=False,
                help_text="The same for a token and all that renew it.",
            ),
        ),
        migrations.AddField(
            model_name="uploadtoken",
            name="replaces",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                help_text="It may go on with what that token began.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="uploads.uploadtoken",
            ),
        ),
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("family", models.UUIDField(editable=False, help_text="Of its token and those that token replaces.")),
                ("agent_id", models.UUIDField(editable=False, help_text="Chosen by the agent, for good.")),
                ("host", models.CharField(max_length=200)),
                ("version", models.CharField(max_length=40)),
                ("platform", models.CharField(blank=True, max_length=200)),
                ("interval_s", models.PositiveIntegerField(help_text="Seconds between two reports.")),
                ("started_at", models.DateTimeField()),
                ("first_heard_at", models.DateTimeField()),
                ("last_heard_at", models.DateTimeField()),
                ("silent_from", models.DateTimeField(help_text="When it counts as silent, unless it is heard before.")),
                ("stopped_at", models.DateTimeField(blank=True, help_text="When it said that it stops.", null=True)),
                (
                    "silence_told_at",
                    models.DateTimeField(blank=True, help_text="When people were told of this silence.", null=True),
                ),
                ("folders", models.JSONField(default=list, help_text="What it watches, as its heartbeat lists it.")),
                ("queue_files", models.PositiveBigIntegerField(default=0)),
                ("queue_bytes", models.PositiveBigIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=1000)),
                ("last_error_at", models.DateTimeField(blank=True, null=True)),
                ("disk_free", models.PositiveBigIntegerField(blank=True, help_text="Bytes.", null=True)),
                ("disk_total", models.PositiveBigIntegerField(blank=True, help_text="Bytes.", null=True)),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="agents", to="uploads.uploadtoken"
                    ),
                ),
            ],
            options={
                "ordering": ["host", "pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("stopped_at__isnull", True)),
                        fields=["silent_from"],
                        name="agents_by_silence",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("family", "agent_id"), name="agent_is_known_once_to_its_tokens"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("disk_free__isnull", True), ("disk_total__isnull", True)),
                            models.Q(("disk_free__isnull", False), ("disk_total__isnull", False)),
                            _connector="OR",
                        ),
                        name="agent_tells_free_and_total_disk_together",
                    ),
                ],
            },
        ),
        migrations.RunPython(give_each_token_a_family, migrations.RunPython.noop),
    ]
