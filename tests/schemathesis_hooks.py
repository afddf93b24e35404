"""Lets generated calls come further than their addresses: short windows, and cameras that may be looked at."""

from typing import Any
from zlib import crc32

import schemathesis

_LONGEST_S = 0.2
_ALLOWED_S = 3600
_LONGEST_ADDRESS = 2048


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Bodies with windows of at most 0.2 s, and mostly with addresses of cameras; the rest stays as it was made."""
    if context.operation is None or not isinstance(body, dict):
        return body
    changed = dict(body)
    if context.operation.path == "/analyze":
        window = body.get("window_seconds", _LONGEST_S)
        is_long = isinstance(window, int | float) and not isinstance(window, bool) and _LONGEST_S < window <= _ALLOWED_S
        changed["window_seconds"] = _LONGEST_S if is_long else window
    for field in ("source", "substream", "stream_url"):
        address = body.get(field)
        # one of a length that is refused stays: that it is refused is what it was made for
        if not isinstance(address, str) or not 0 < len(address) <= _LONGEST_ADDRESS:
            continue
        if (number := crc32(address.encode(errors="replace"))) % 4:
            changed[field] = f"rtsp://10.0.0.{number % 200}/live"
    return changed
