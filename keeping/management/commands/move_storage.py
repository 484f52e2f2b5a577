"""Moves datasets to another store: copies their files, reads them back, switches over, removes the old bytes.

Safe to stop and to run again: it goes on where it was. Downloads and uploads go on meanwhile.
"""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dataplane.errors import DataplaneError
from keeping.models import FileCopy
from keeping.services.copies import Moved, remove_left
from keeping.services.moving import datasets_to_move, hindrance, move_dataset
from portal.actors import SYSTEM
from portal.errors import Conflict, Invalid
from portal.models import Dataset, Project
from portal.services.projects import change_project
from portal.storage import store_named
from portal.stores import store_names
from portal.templatetags.quantities import counted, size_text

_TELL_EVERY = 5  # seconds
_ASK_AGAIN = 5


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--project", help="All datasets of the project with this short name; its new ones go there too."
        )
        what.add_argument("--dataset", help="The dataset of this name.")
        parser.add_argument("--to", required=True, help="Name of the store, as in LABCOURIER_STORES, or local.")
        parser.add_argument("-n", "--dry-run", action="store_true", help="Only say what would be moved.")

    def handle(self, *, project: str | None, dataset: str | None, to: str, dry_run: bool, **options: Any) -> None:
        datasets = self._chosen(project, dataset, to)
        if project and not dry_run:
            _send_new_ones(project, to)
        left = 0
        for number, each in enumerate(datasets, start=1):
            title = f"{number} of {len(datasets)}: {each.name}, {each.store} → {to}, {size_text(each.bytes_verified)}"
            if reason := hindrance(each):
                self.stdout.write(f"{title}: stays, {reason}")
                left += 1
            elif dry_run:
                self.stdout.write(f"{title}: would be moved, {counted(each.verified_count, 'file,files')}")
            else:
                left += not self._move(each, to, title)
        if not dry_run:
            remove_left(clock=timezone.now, among=FileCopy.objects.filter(dataset__store=to))
        if left and not dry_run:
            raise CommandError(f"{counted(left, 'dataset was,datasets were')} not moved. Run it again to go on.")

    def _chosen(self, code: str | None, name: str | None, to: str) -> list[Dataset]:
        if to not in store_names():
            raise CommandError(f"No store is called {to!r}. There are: {', '.join(store_names())}.")
        try:
            store_named(to)
        except (DataplaneError, OSError) as error:
            raise CommandError(str(error)) from error
        project = Project.objects.filter(code=code).first() if code else None
        if code and project is None:
            raise CommandError(f"No project has the short name {code!r}.")
        if name and not Dataset.objects.filter(name=name).exists():
            raise CommandError(f"No dataset is called {name!r}.")
        return datasets_to_move(to, project=project, name=name or "")

    def _move(self, dataset: Dataset, to: str, title: str) -> bool:
        """Whether it is there now. What another process holds is waited for."""
        self._told_at = 0.0
        try:
            while True:
                moved = move_dataset(
                    dataset, to, actor=SYSTEM, clock=timezone.now, tell=lambda so_far: self._tell(title, so_far)
                )
                dataset.refresh_from_db()
                if dataset.store == to:
                    self.stdout.write(f"{title}: moved")
                    return True
                held = FileCopy.objects.to_make().filter(dataset=dataset, leased_until__gt=timezone.now())
                if moved.put_off or not held.exists():
                    break
                time.sleep(_ASK_AGAIN)
        except (DataplaneError, Conflict, OSError) as error:
            self.stderr.write(f"{title}: {error}")
            return False
        waiting = FileCopy.objects.to_make().filter(dataset=dataset).exclude(reason="").first()
        self.stderr.write(f"{title}: not yet. {waiting.reason if waiting else 'It changed meanwhile.'}")
        return False

    def _tell(self, title: str, so_far: Moved) -> None:
        if time.monotonic() - self._told_at >= _TELL_EVERY:
            self._told_at = time.monotonic()
            self.stdout.write(f"{title}: {counted(so_far.files, 'file,files')}, {size_text(so_far.bytes)} copied")


def _send_new_ones(code: str, to: str) -> None:
    """Datasets begun from now on are there from the start."""
    try:
        change_project(project=Project.objects.get(code=code), actor=SYSTEM, store=to)
    except Invalid as error:
        raise CommandError(f"{error} Change its store of second copies first.") from error
