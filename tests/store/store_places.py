"""Where the store of one test is, and processes of its own that use it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import redis

from executor.store import Store, open_store


@dataclass(frozen=True)
class Place:
    """Where the store of one test is."""

    redis_url: str | None
    data_dir: Path
    prefix: str

    def open(self) -> Store:
        return open_store(redis_url=self.redis_url, data_dir=self.data_dir, prefix=self.prefix)

    def client(self) -> redis.Redis:
        """A client beside the store, to look at keys and to break things."""
        url = self.redis_url or f"unix://{self.data_dir / 'store' / 'redis.sock'}"
        return redis.Redis.from_url(url, decode_responses=True)

    def process(self, code: str) -> "subprocess.Popen[str]":
        """A process of its own that has `store` open and runs `code`."""
        lines = [
            "import json, os, signal, sys, time",
            "from pathlib import Path",
            "from executor.store import open_store",
            "url, folder, prefix = json.loads(sys.argv[1])",
            "store = open_store(redis_url=url, data_dir=Path(folder), prefix=prefix)",
            code,
        ]
        arguments = json.dumps([self.redis_url, str(self.data_dir), self.prefix])
        return subprocess.Popen(
            [sys.executable, "-c", "\n".join(lines), arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
