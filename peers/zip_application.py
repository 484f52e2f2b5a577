"""A WSGI application as anybody would write it with zipstream-ng: ``$ZIP_FOLDER`` as one zip, its length known."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zipstream import ZIP_STORED, ZipStream

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    archive = ZipStream.from_path(os.environ["ZIP_FOLDER"], compress_type=ZIP_STORED, sized=True)
    headers = [("Content-Type", "application/zip"), ("Content-Length", str(len(archive)))]
    start_response("200 OK", headers)
    pieces: Iterable[bytes] = archive
    return pieces
