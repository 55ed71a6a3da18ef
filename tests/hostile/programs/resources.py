"""Programs that use up time, memory and the stack."""

from tests.hostile.program import CONTAINED, Hostile, endless, program

_DEEP = "(" * 5000 + ")" * 5000

RESOURCES: tuple[Hostile, ...] = (
    endless("an endless loop", "def body():\n    while True: pass"),
    endless("an endless loop at import", "while True: pass\ndef body(): return 1"),
    endless("an endless loop that catches everything", """
        def body():
            while True:
                try:
                    while True: pass
                except BaseException: pass
        """),
    endless("an endless sleep", "import time\ndef body(): time.sleep(10**6)"),
    endless("an endless loop in C", "def body(): return sum(iter(int, 1))"),
    endless("a regular expression that takes for ever", "import re\ndef body(): re.match('(a+)+$', 'a' * 40 + 'b')"),
    endless("a number that takes for ever", "def body(): return len(str(3 ** 10 ** 9 % 10 ** 9))"),
    endless("reading a pipe that nobody writes to", "import os\ndef body(): os.read(os.pipe()[0], 1)"),
    endless("a comparison that never ends", """
        class Never:
            def __lt__(self, other):
                while True: pass
        def body(): return sorted([Never(), Never()])
        """),
    endless("an exception whose text never ends", """
        class Never(Exception):
            def __str__(self):
                while True: pass
        def body(): raise Never
        """),
    endless("a result whose parts never end", """
        class Never(list):
            def __iter__(self):
                while True: yield None
                while True: pass
        class Slow(str):
            def __hash__(self):
                while True: pass
        def body(): return {Slow(): 1}
        """),
    endless("a finalizer that never ends", """
        class Never:
            def __del__(self):
                while True: pass
        def body():
            Never()
        """),
    endless("a clock of its own that stops the interpreter", """
        import signal
        def body():
            def again(*_):
                while True: pass
            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            while True: pass
        """),
    endless("memory errors that are caught for ever", """
        def body():
            kept = []
            while True:
                try:
                    while True: kept.append(bytes(1 << 20))
                except MemoryError: kept.pop()
        """),
    program("too deep a recursion", "def body(): return body()", "runtime"),
    program("a recursion without a limit", """
        import sys
        def body():
            sys.setrecursionlimit(10 ** 9)
            def f(n): return [f(n + 1) for _ in (0,)]
            return f(0)
        """, "killed", "memory", "runtime", "timeout", seconds=1.0),
    program("a recursion in C", """
        import sys
        def body():
            sys.setrecursionlimit(10 ** 9)
            x = None
            for _ in range(10 ** 6): x = (x,)
            return repr(x)[:3]
        """, "killed", "memory", "runtime", "timeout", seconds=1.0),
    program("code that is nested too deeply", f"def body(): return {_DEEP}", "syntax", "memory"),
    program("an exception within an exception within an exception", """
        def body():
            error = ValueError()
            for _ in range(100_000):
                outer = ValueError()
                outer.__cause__ = error
                error = outer
            raise error
        """, "runtime", "killed"),
    program("groups of exceptions, 10,000 deep", """
        def body():
            error = ValueError()
            for _ in range(10_000): error = ExceptionGroup("g", [error])
            raise error
        """, "runtime", "killed"),
    program("one large block of memory", "def body(): return len(bytearray(2 ** 40))", "memory"),
    program("a list that is too large", "def body(): return len([0] * 10 ** 10)", "memory"),
    program("a text that is too large", "def body(): return len('x' * 2 ** 34)", "memory"),
    program("a width that is too large", "def body(): return len('%10000000000d' % 1)", "memory", "runtime"),
    program("memory that grows", "def body(): return len(list(iter(lambda: bytes(1 << 20), 1)))", "memory"),
    program("a dictionary that grows", """
        def body():
            kept = {}
            while True: kept[len(kept)] = bytes(10_000)
        """, "memory"),
    program("memory by the operating system", "import mmap\ndef body(): return len(mmap.mmap(-1, 2 ** 34))", "runtime"),
    program("memory by the C library", """
        import ctypes
        def body():
            malloc = ctypes.CDLL(None).malloc
            malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
            got = 0
            while got < 10 ** 9:
                block = malloc(1 << 24)
                if not block: return "contained"
                ctypes.memset(block, 1, 1 << 24)
                got += 1 << 24
            return got
        """, value=CONTAINED),
    program("memory by decompression", """
        import zlib
        def body():
            packed = zlib.compressobj(9)
            small = b"".join(packed.compress(bytes(1 << 20)) for _ in range(300)) + packed.flush()
            return len(zlib.decompress(small))
        """, "memory", "import", seconds=5.0),
    program("a number with too many digits", """
        import decimal
        def body():
            decimal.setcontext(decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX))
            return len(str(decimal.Decimal(1) / 3))
        """, "memory"),
    program("more descriptors than there are", """
        import os
        def body():
            opened = 0
            try:
                while opened < 100_000:
                    os.dup(1)
                    opened += 1
            except OSError:
                return "contained"
            return opened
        """, value=CONTAINED),
    program("pipes that are filled", """
        import os
        def body():
            kept = 0
            try:
                while kept < 10_000:
                    end = os.pipe()[1]
                    os.set_blocking(end, False)
                    os.write(end, bytes(65536))
                    kept += 1
            except OSError:
                return "contained"
            return kept
        """, value=CONTAINED),
)  # fmt: skip
