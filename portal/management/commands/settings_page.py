"""``manage.py settings_page [--check]``: writes ``docs/settings.md`` from the settings themselves."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from portal.config import PREFIX, ROOT, Config

PAGE = ROOT / "docs" / "settings.md"
HEAD = f"""# Settings

Written by `manage.py settings_page` from `portal/config.py`; change it there.

Each setting is an environment variable, or a file of that name (in small letters) in the folder that
`{PREFIX}SECRETS_DIR` names. A wrong or missing one stops the start, with its name and what to do. An empty one counts
as not set. Times are in the unit of the name, sizes in bytes.

| variable | default | meaning |
|---|---|---|
"""


class Command(BaseCommand):
    help = "Writes docs/settings.md from the settings themselves; safe to run again."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the page is current")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        page = settings_page()
        if not check:
            PAGE.write_text(page)
            self.stdout.write(f"Wrote {PAGE.relative_to(ROOT)}.")
        elif not PAGE.exists() or PAGE.read_text() != page:
            raise CommandError("docs/settings.md is not what portal/config.py says; run `manage.py settings_page`.")


def settings_page() -> str:
    """The page: one table row a setting, in the order of the code."""
    return HEAD + "".join(_row(name, field) for name, field in Config.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {meaning} |\n"


def _default(value: object) -> str:
    if value is PydanticUndefined or value is None or value in ("", []):
        return ""
    return f"`{str(value).replace(str(ROOT) + '/', '')}`"
