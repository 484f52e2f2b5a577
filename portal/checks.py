"""System checks: what would fail later is said at start, with its remedy."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register

from dataplane.errors import DataplaneError
from portal.storage import store_named


@register()
def folders_are_writable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name in ("FILES_ROOT", "STAGING_ROOT"):
        folder = getattr(settings, name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            variable = "LABCOURIER_" + name.removesuffix("_ROOT")
            hint = f"Make the folder and give it to the user the portal runs as, or set {variable}."
            problems.append(
                checks.Error(f"{folder} cannot be written: {error.strerror}", hint=hint, id="labcourier.E001")
            )
    return problems


@register(deploy=True)
def one_file_system(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.FILES_ROOT.stat().st_dev == settings.STAGING_ROOT.stat().st_dev:
        return []
    hint = "Put LABCOURIER_STAGING on the file system of LABCOURIER_FILES: finishing an upload is then a rename."
    return [
        checks.Warning("Uploads are staged on another file system than the files.", hint=hint, id="labcourier.W001")
    ]


@register(deploy=True)
def stores_answer(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name in settings.STORES:
        try:
            store_named(name)
        except (DataplaneError, OSError) as error:
            hint = "Correct it in LABCOURIER_STORES, or start it. Projects that keep no files there are not affected."
            problems.append(checks.Error(f"Store “{name}”: {error}", hint=hint, id="labcourier.E002"))
    return problems
