"""Where rclone finds the verified files of a dataset."""

from django.conf import settings

from delivery.rclone import Remote
from portal.models import Dataset
from portal.storage import dataset_key
from portal.stores import LOCAL
from portal.stores.declared import S3Settings


def source_remote(dataset: Dataset) -> Remote:
    """The folder of the dataset in its store."""
    key = dataset_key(dataset)
    if dataset.store == LOCAL:
        return Remote({"type": "local"}, f"{settings.FILES_ROOT}/{key}")
    said = settings.STORES[dataset.store]
    if not isinstance(said, S3Settings):
        return Remote({"type": "local"}, f"{said.path}/{key}")
    secret = said.secret_key.get_secret_value()
    options = {
        "type": "s3",
        "provider": "Other" if said.endpoint else "AWS",
        "endpoint": said.endpoint,
        "region": said.region,
        "access_key_id": said.access_key,
        "secret_access_key": secret,
        "env_auth": "false" if said.access_key else "true",
        "force_path_style": str(said.path_style).lower(),
    }
    return Remote(options, f"{said.bucket}/{said.prefix}{key}", secrets=(secret,) if secret else ())
