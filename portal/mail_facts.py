"""What the mails of a batch need to know, asked of the database for all of them together.

``settings.MAIL_FACTS`` names, for a kind of which many go out at once, the function that is given notices of that kind
and tells what it knows about each, by the notice's id. The kind's function in ``settings.MAILS`` gets that as a second
argument. Whether a mail is still wanted belongs to it, so no answer is used that is older than `FRESH`: who took the
data while a slow mail server had the mail before is not reminded.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from portal.models import Notice

FRESH = 1.0  # seconds

FactsFunction = Callable[[Sequence[Notice]], Mapping[int, Any]]


class Facts:
    """About the mails of ``batch``, to be asked for in its order."""

    def __init__(self, batch: Sequence[Notice]) -> None:
        self._batch = batch
        self._known: dict[int, Any] = {}
        self._until: dict[str, float] = {}

    def of(self, notice: Notice) -> tuple[Any, ...]:
        """What the function of its kind is to be given besides the notice. Raises what the facts' function raises."""
        name = settings.MAIL_FACTS.get(notice.kind)
        if name is None:
            return ()
        if notice.pk not in self._known or time.monotonic() > self._until[notice.kind]:
            self._ask(import_string(name), notice)
        return (self._known.pop(notice.pk),)

    def _ask(self, function: FactsFunction, notice: Notice) -> None:
        self._until[notice.kind] = time.monotonic() + FRESH
        following = [other for other in self._batch if other.kind == notice.kind and other.pk >= notice.pk]
        try:
            self._known.update(function(following))
        except Exception:  # noqa: BLE001
            # One of them is in the way: it has to fail by itself, not hold up the others.
            self._known.update(function([notice]))
