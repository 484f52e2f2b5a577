"""The dataset of an address below `/datasets/`, for whoever may see it."""

from uuid import UUID

from django.http import HttpRequest

from portal.access import visible_datasets
from portal.errors import NotFound
from portal.models import Dataset
from sharing.errors import DataDeleted


def member_s_dataset(request: HttpRequest, dataset_id: UUID) -> Dataset:
    """Raises NotFound, and DataDeleted when its files are gone."""
    dataset = visible_datasets(request.user).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it. Ask a manager of its project.")
    if dataset.is_gone:
        raise DataDeleted("The files of this dataset were deleted; its description and history remain.")
    return dataset
