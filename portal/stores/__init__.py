"""The stores of a site: the folder of this machine, called `local`, and those its settings name.

A kind of store is one file in this folder, listed in `KINDS`.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from dataplane.errors import StoreTrouble

if TYPE_CHECKING:
    from dataplane.store import Store

LOCAL = "local"
KINDS = {"folder": "portal.stores.folder.make", "s3": "portal.stores.s3.S3Store"}


def store_names() -> list[str]:
    return [LOCAL, *settings.STORES]


def store_choices() -> list[tuple[str, str]]:
    """Names of stores with what people read of them."""
    others = [(name, f"{name} ({said.kind}: {said.place})") for name, said in settings.STORES.items()]
    return [(LOCAL, "local (the folder of this portal)"), *others]


def make_store(name: str) -> "Store":
    """Not asked yet whether it answers. What a kind needs is loaded when the first of it is made.

    Raises StoreTrouble.
    """
    said = settings.STORES.get(name)
    if said is None:
        raise StoreTrouble(
            f"No store is called “{name}”, but files lie there. Name it in LABCOURIER_STORES again, or move them back."
        )
    store: Store = import_string(KINDS[said.kind])(name, said)
    return store
