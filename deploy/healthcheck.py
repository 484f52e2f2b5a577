"""``python -m deploy.healthcheck``: exit status 0 when the web server of this machine answers, for containers."""

import http.client
import sys

from portal.config import load_config


def answers() -> bool:
    """Whether ``/healthz`` says 200, asked under the portal's own name (others are refused)."""
    config = load_config()
    port = int(config.bind.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": str(config.url.host)})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers() else 1)
