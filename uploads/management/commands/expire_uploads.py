from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from uploads.management.moments import moment
from uploads.services.sweep import expire_uploads, forget_ended_uploads, remove_strays


class Command(BaseCommand):
    help = "Ends unfinished uploads past their expiry and removes bytes that belong to nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-n", "--dry-run", action="store_true", help="Only say what would be removed.")
        parser.add_argument("--now", type=moment, help="Act as at this moment (ISO 8601).")

    def handle(self, *, dry_run: bool, now: datetime | None, **options: Any) -> None:
        at = now or timezone.now()
        for upload in expire_uploads(now=at, dry_run=dry_run):
            where = upload.dataset.name if upload.dataset else upload.own_project.code
            self.stdout.write(f"expired\t{upload.pk}\t{where}\t{upload.offset} of {upload.length}")
        for key in remove_strays(now=at, dry_run=dry_run):
            self.stdout.write(f"stray\t{key}")
        if not dry_run:
            forget_ended_uploads(now=at)
