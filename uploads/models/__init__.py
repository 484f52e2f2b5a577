"""What lets bytes in, and how far they have come."""

from portal.random_tokens import token_digest
from uploads.models.agents import Agent, AgentQuerySet, patience_with
from uploads.models.bundles import Bundle
from uploads.models.drop_links import Drop, DropLink
from uploads.models.folders import DatasetFolder
from uploads.models.tokens import TOKEN_PREFIX, UploadToken, new_token
from uploads.models.uploads import Upload, UploadQuerySet, new_upload_id

__all__ = [
    "TOKEN_PREFIX",
    "Agent",
    "AgentQuerySet",
    "Bundle",
    "DatasetFolder",
    "Drop",
    "DropLink",
    "Upload",
    "UploadQuerySet",
    "UploadToken",
    "new_token",
    "new_upload_id",
    "patience_with",
    "token_digest",
]
