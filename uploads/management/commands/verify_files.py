from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from portal.models import DataFile
from uploads.management.moments import moment
from uploads.services.work import sweep


class Command(BaseCommand):
    help = "Reads received files back, compares their checksums, and releases datasets that are whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-n", "--dry-run", action="store_true", help="Only say what would be verified.")
        parser.add_argument("--now", type=moment, help="Act as at this moment (ISO 8601).")

    def handle(self, *, dry_run: bool, now: datetime | None, **options: Any) -> None:
        at = now or timezone.now()
        due = DataFile.objects.to_verify().due(at)
        if dry_run:
            for file in due.select_related("dataset").order_by("received_at").iterator(chunk_size=1000):
                self.stdout.write(f"{file.dataset.name}/{file.path}\t{file.size}")
            return
        outcome = sweep(clock=lambda: now or timezone.now())
        self.stdout.write(f"{outcome.verified} verified, {outcome.corrupt} corrupt, {outcome.put_off} put off.")
