import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0005_hooks_that_tell_of_files"),
        ("portal", "0008_projects_let_recipients_push"),
        ("sharing", "0007_pushes_are_receipts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="destination",
            name="destination_has_a_name_of_its_own_in_a_project",
        ),
        migrations.AddField(
            model_name="delivery",
            name="asked_from",
            field=models.CharField(blank=True, default="", help_text="Network address of a recipient.", max_length=64),
        ),
        migrations.AddField(
            model_name="delivery",
            name="client",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="delivery",
            name="link",
            field=models.ForeignKey(
                help_text="Of a recipient who asked.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="sharing.sharelink",
            ),
        ),
        migrations.AddField(
            model_name="destination",
            name="link",
            field=models.ForeignKey(
                help_text="A recipient's, for once.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="destinations",
                to="sharing.sharelink",
            ),
        ),
        migrations.AlterField(
            model_name="destination",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(
                condition=models.Q(("link__isnull", True), ("removed_at__isnull", True)),
                fields=("project", "name"),
                name="destination_has_a_name_of_its_own_in_a_project",
            ),
        ),
    ]
