"""The kinds of stores besides the folder of this machine: one file a kind, listed in `KINDS`."""

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from dataplane.store import Store
    from portal.stores.settings import StoreSettings

KINDS = {"folder": "portal.stores.folder.make", "s3": "portal.stores.s3.S3Store"}


def make_store(name: str, settings: "StoreSettings") -> "Store":
    """Not asked yet whether it answers. What a kind needs is loaded when the first store of it is made."""
    store: Store = import_string(KINDS[settings.kind])(name, settings)
    return store
