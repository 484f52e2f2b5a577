"""What a site says of each of its stores, in `LABCOURIER_STORES`: JSON, the stores by name."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


def _free_name(name: str) -> str:
    if name == "local" or not re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", name):
        raise ValueError(f"{name!r} is no name for a store: use small letters, digits, hyphens, and not `local`")
    return name


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FolderSettings(_Settings):
    """Another folder, such as a mounted file server or a second disk."""

    kind: Literal["folder"]
    path: Path

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def longest_key(self) -> int | None:
        return None


class S3Settings(_Settings):
    """A bucket of Amazon S3 or of anything that speaks like it (Ceph, MinIO, SeaweedFS ...)."""

    kind: Literal["s3"]
    bucket: str
    endpoint: str = ""  # empty: Amazon's of the region
    region: str = "us-east-1"
    prefix: str = ""  # such as `labcourier/`
    access_key: str = ""  # empty: as the machine is allowed to (role, ~/.aws)
    secret_key: SecretStr = SecretStr("")
    path_style: bool = True  # `https://host/bucket/key`, which every S3 understands
    conditional_writes: bool = True  # off for one that answers 501 to `If-None-Match`

    @property
    def place(self) -> str:
        return f"{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def longest_key(self) -> int:
        """In bytes of UTF-8: S3 takes 1024, of which the prefix has some."""
        return 1024 - len(self.prefix.encode())


StoreSettings = Annotated[FolderSettings | S3Settings, Field(discriminator="kind")]
StoreName = Annotated[str, AfterValidator(_free_name)]
