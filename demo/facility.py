"""The facility of the demo: ``python -m demo.facility OLD.json`` makes what is missing and prints it as JSON.

Safe to run again: people keep their passwords and the instrument its token, as long as ``OLD.json`` still tells them.
"""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from portal.models import Instrument, Membership, Project, User  # noqa: E402
from uploads.models import UploadToken, new_token, token_digest  # noqa: E402

PROJECT = "imaging"
PEOPLE = {"staff": "sam@example.org", "manager": "alice@example.org", "member": "bob@example.org"}
NAMES = {"staff": "Sam Staff", "manager": "Alice Manager", "member": "Bob Member"}


def make_facility(known: dict[str, Any]) -> dict[str, Any]:
    """Project, instrument and people; returns what ``var/demo.json`` says of them. ``known`` is its former content."""
    with transaction.atomic():
        logins = {role: _person(role, known.get("logins", {}).get(role)) for role in PEOPLE}
        project = _project()
        _role(project, "manager", Membership.Role.MANAGER)
        _role(project, "member", Membership.Role.OPERATOR)
        return {
            "project": project.code,
            "logins": logins,
            "upload_token": _token(project, known.get("upload_token", "")),
        }


def _person(role: str, known_login: list[str] | None) -> list[str]:
    """E-mail and password of an account."""
    email = PEOPLE[role]
    user = User.objects.filter(email=email).first()
    if user and known_login and user.check_password(known_login[1]):
        return known_login
    password = secrets.token_urlsafe(9)
    if user:
        user.set_password(password)
        user.save()
    else:
        User.objects.create_user(
            email, password, name=NAMES[role], is_staff=role == "staff", is_superuser=role == "staff"
        )
    return [email, password]


def _project() -> Project:
    about = {"name": "Imaging facility", "contact_email": PEOPLE["manager"], "description": "Made by the demo."}
    return Project.objects.get_or_create(code=PROJECT, defaults=about)[0]


def _role(project: Project, person: str, role: Membership.Role) -> None:
    user = User.objects.get(email=PEOPLE[person])
    Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})


def _token(project: Project, known_secret: str) -> str:
    """The secret of an upload token that works."""
    known = UploadToken.objects.filter(digest=token_digest(known_secret)).first()
    if known and known.is_usable(timezone.now()):
        return known_secret
    instrument = Instrument.objects.get_or_create(
        slug="microscope-1", defaults={"name": "Microscope 1", "project": project}
    )[0]
    secret = new_token()
    UploadToken.objects.create(
        project=project,
        instrument=instrument,
        label="Microscope 1, control PC",
        digest=token_digest(secret),
        notification_emails=[PEOPLE["member"]],
        created_by=User.objects.get(email=PEOPLE["manager"]),
    )
    return secret


def main() -> None:
    old = Path(sys.argv[1])
    print(json.dumps(make_facility(json.loads(old.read_text()) if old.exists() else {})))


if __name__ == "__main__":
    main()
