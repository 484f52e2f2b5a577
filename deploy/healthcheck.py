"""Whether the web server answers. ``python -m deploy.healthcheck`` has exit status 0 when it does, for containers."""

import http.client
import sys

from portal.config import load_config


def answers(path: str, *, port: int, host: str) -> bool:
    """Whether the web server here says 200 to ``path``, asked under the portal's own name (others are refused)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    config = load_config()
    alive = answers("/healthz", port=int(config.bind.rpartition(":")[2]), host=str(config.url.host))
    sys.exit(0 if alive else 1)
