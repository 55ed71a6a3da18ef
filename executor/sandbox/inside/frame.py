"""A frame of the wire: one line of JSON that gives the sizes, then raw bytes."""

import json
import os
from typing import Any


def send(descriptor: int, header: dict[str, Any], *parts: bytes) -> None:
    """Write one frame."""
    rest = memoryview(json.dumps(header).encode() + b"\n" + b"".join(parts))
    while rest:
        rest = rest[os.write(descriptor, rest) :]
