"""Programs that print what they should not."""

from tests.hostile.program import Hostile, program


def prints(name: str, code: str, stdout: str, value: str = "done") -> Hostile:
    """Return a program of which the printed text is known."""
    made = program(name, code, value=value)
    return Hostile(made.name, made.code, made.ends, made.value, stdout=stdout)


OUTPUT: tuple[Hostile, ...] = (
    program("endless lines", "def body():\n    while True: print('x' * 1000)", "output"),
    program("endless lines on stderr",
            "import sys\ndef body():\n    while True: print('x' * 99, file=sys.stderr)", "output"),
    program("an endless line", "def body():\n    while True: print('x' * 1000, end='')", "output"),
    program("endless output by the C library", """
        import ctypes
        def body():
            libc = ctypes.CDLL(None)
            while True: libc.write(1, b"x" * 4096, 4096)
        """, "output"),
    program("endless output on both streams by threads", """
        import os, threading
        def flood(number):
            while True: os.write(number, b"x" * 4096)
        def body():
            for number in (1, 2, 2): threading.Thread(target=flood, args=(number,)).start()
            flood(1)
        """, "output"),
    program("one print of 200 MB", "def body(): print('x' * 200_000_000)", "output", "memory"),
    program("one byte too many", "def body(): print('x' * 65536)", "output"),
    prints("as much as is allowed", "def body():\n    print('x' * 65535)\n    return 'done'", "x" * 65535 + "\n"),
    prints(
        "bytes that are no text",
        "import os\ndef body():\n    os.write(1, b'\\xff\\xfe\\x80ok')\n    return 'done'",
        "\ufffd\ufffd\ufffdok",
    ),
    prints("NUL bytes", "import os\ndef body():\n    os.write(1, b'a\\0b')\n    return 'done'", "a\0b"),
    prints("half of a character", "def body():\n    print('\\ud800')\n    return 'done'", "\\ud800\n"),
    prints(
        "orders to a terminal",
        "def body():\n    print('\\x1b]0;title\\x07\\x1b[2J')\n    return 'done'",
        "\x1b]0;title\x07\x1b[2J\n",
    ),
    prints("a printed line that looks like an answer", """
        def body():
            print('{"id": "x", "value": 42, "arguments": {}, "ending": "exit", "clean": true}')
            return "done"
        """, '{"id": "x", "value": 42, "arguments": {}, "ending": "exit", "clean": true}\n'),
    prints("output in the last moment", "def body():\n    print('last', end='')\n    return 'done'", "last"),
    program("output and then the end", """
        import os
        def body():
            print("last", flush=True)
            os._exit(0)
        """, "killed"),
    program("streams that are closed", """
        import os, sys
        def body():
            sys.stdout.close()
            os.close(1)
            os.close(2)
            return "done"
        """, value="done"),
    program("streams that are something else", """
        import sys
        class Never:
            def write(self, text): raise OSError
            def flush(self):
                while True: pass
        def body():
            sys.stdout = sys.stderr = sys.__stdout__ = Never()
            return "done"
        """, value="done"),
    program("no streams at all",
            "import sys\ndef body():\n    sys.stdout = sys.stderr = None\n    return 'done'", value="done"),
    program("output after the answer, by a thread", """
        import os, threading
        def later():
            while True: os.write(1, b"")
        def body():
            threading.Thread(target=later, daemon=True).start()
            return "done"
        """, value="done"),
)  # fmt: skip
