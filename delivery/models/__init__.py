from delivery.models.copies import DatasetCopy
from delivery.models.deliveries import Delivery, FileToPush
from delivery.models.destinations import Destination

__all__ = ["DatasetCopy", "Delivery", "Destination", "FileToPush"]
