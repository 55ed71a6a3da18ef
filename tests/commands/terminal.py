"""A command with a terminal of its own, at which a test answers as a person would."""

import errno
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

QUESTION = "again with a note? [reject] "
WHY = "why? (the history keeps it) "
NOTE = "what should be different? "


@dataclass
class Session:
    """A command at a terminal, and all that it has written to it."""

    process: "subprocess.Popen[bytes]"
    master: int
    raw: bytes = b""
    _seen: int = field(default=0, repr=False)

    @property
    def shown(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def plain(self) -> str:
        """What is shown, without the colours and movements that we write ourselves."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown).replace("\r", "")

    def until(self, text: str) -> None:
        """Wait for a text that comes after the last one that was waited for."""
        deadline = time.monotonic() + 90
        while text not in self.shown[self._seen :] and time.monotonic() < deadline and self._read():
            pass
        at = self.shown.find(text, self._seen)
        assert at >= 0, self.plain[-3000:]
        self._seen = at + len(text)

    def answers(self, question: str, line: str) -> None:
        self.until(question)
        os.write(self.master, line.encode())

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        while self._read():
            pass
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 1)
        if not ready:
            return self.process.poll() is None
        try:
            part = os.read(self.master, 65_536)
        except OSError as error:  # the other end is closed
            assert error.errno == errno.EIO
            return False
        self.raw += part
        return bool(part)


def at_terminal(words: tuple[str, ...], environment: dict[str, str], folder: Path) -> Session:
    """Start `htn` at a terminal that is 120 characters wide."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (50, 120))
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *words], stdin=slave, stdout=slave, stderr=slave, cwd=folder,
        env=environment | {"TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    return Session(process, master)
