"""A second folder as a store."""

from dataplane.localstore import LocalStore
from portal.stores.declared import FolderSettings


def make(name: str, settings: FolderSettings) -> LocalStore:
    return LocalStore(settings.path)
