from delivery.models.copies import DatasetCopy
from delivery.models.deliveries import Delivery, FileToPush
from delivery.models.destinations import Destination
from delivery.models.hooks import FileToTell, Hook, HookMessage

__all__ = ["DatasetCopy", "Delivery", "Destination", "FileToPush", "FileToTell", "Hook", "HookMessage"]
