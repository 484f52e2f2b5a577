from delivery.models.copies import DatasetCopy
from delivery.models.destinations import Destination

__all__ = ["DatasetCopy", "Destination"]
