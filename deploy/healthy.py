#!/usr/bin/env python3
"""The image's health check: ends with 0 while the service of this container says that its loop turns.

It imports little on purpose: it runs every few seconds in every container, and the command `watchpost` takes ten times
as long to start.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

_TIMEOUT_S = 4.0


def _main() -> int:
    connection = HTTPConnection("127.0.0.1", int(os.environ["WATCHPOST_HEALTH_PORT"]), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as error:
        sys.stdout.write(str(error))
        return 1
    return 0 if answer.status == 200 else 1  # noqa: PLR2004  (HTTP's own)


if __name__ == "__main__":
    sys.exit(_main())
