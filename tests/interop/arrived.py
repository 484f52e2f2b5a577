"""What the portal holds of a path, read past the portal."""

from tests.faults.live_portal import LivePortal

QUERY = """
SELECT u.id, u.state, f.state, f.size FROM uploads_upload u JOIN portal_datafile f ON f.id = u.file_id
WHERE f.path = ? ORDER BY u.created_at DESC
"""


def arrived(portal: LivePortal, path: str) -> bytes:
    """The bytes of a file that was handed over whole, waiting for verification."""
    upload_id, upload_state, file_state, size = portal.query(QUERY, path)[0]
    assert (upload_state, file_state) == ("finished", "received")
    content = (portal.var / "files" / ".received" / str(upload_id)).read_bytes()
    assert len(content) == size
    return content


def endpoint(portal: LivePortal, port: int | None = None) -> str:
    return f"http://127.0.0.1:{port or portal.port}/tus/"
