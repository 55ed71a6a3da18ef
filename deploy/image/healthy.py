"""Ends with 0 where the service of this container answers, and with 1 where it does not."""

import os
import sys
from http.client import HTTPConnection, HTTPException


def answers(port: int) -> bool:
    """Whether GET /health of this machine is answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(int(os.environ.get("HTN_SERVICE_PORT", "8080"))))
