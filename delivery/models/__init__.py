from delivery.models.copies import DatasetCopy

__all__ = ["DatasetCopy"]
