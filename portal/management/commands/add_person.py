"""``manage.py add_person EMAIL``: the first account of a new portal, or a changed one. Safe to run twice."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.actors import SYSTEM
from portal.errors import PortalError
from portal.models import User
from portal.services.people import add_person, change_person


class Command(BaseCommand):
    help = (
        "Makes an account, or changes the one with that address. Without --password-stdin a new person is mailed "
        "a link to choose a password. Example: echo 'a long password' | manage.py add_person sam@example.org "
        "--name 'Sam Stern' --staff --password-stdin"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--staff", action="store_true", help="facility staff: sees every project and the audit")
        parser.add_argument("--superuser", action="store_true", help="may also use the Django admin (implies --staff)")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        try:
            said = self._make_or_change(options, password)
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(said)

    def _make_or_change(self, options: dict[str, Any], password: str | None) -> str:
        email, name = options["email"].strip().lower(), options["name"]
        superuser = options["superuser"]
        staff = options["staff"] or superuser
        person = User.objects.filter(email=email).first()
        if person is None:
            made = add_person(
                email=email, actor=SYSTEM, name=name, is_staff=staff, is_superuser=superuser, password=password
            )
            told = "" if password is not None else " and is mailed a link to choose a password"
            return f"{made.email} has an account now{told}."
        rights = {"is_staff": person.is_staff or staff, "is_superuser": person.is_superuser or superuser}
        change_person(person=person, actor=SYSTEM, password=password, name=name or person.name, **rights)
        return f"{person.email} had an account; it is as you asked now."
