"""Programs whose result bites, and programs that forge one or take the descriptors away."""

from tests.hostile.program import Hostile, program

# The identity of its own call, found in the frames of the runner: a program can say what it likes of its own call.
_FIND_IDENTITY = """
import os, sys
def identity():
    frame = sys._getframe()
    while "identity" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["identity"]
"""


def returns(name: str, expression: str, *ends: str) -> Hostile:
    """Return a program whose result is refused."""
    return program(name, f"def body(): return {expression}", *(ends or ("protocol",)))


def forges(name: str, answer: str, *ends: str) -> Hostile:
    """Return a program that writes an answer itself; ID stands for the identity of the call."""
    code = f"""{_FIND_IDENTITY}
def body(text):
    data = text.replace("ID", identity()).encode("utf-8", "surrogateescape")
    while data:
        data = data[os.write(3, data):]
    os._exit(0)
"""
    # A runner without these frames cannot be forged: then the program fails by itself.
    return program(name, code, *(ends or ("protocol",)), text=answer)


ANSWERS: tuple[Hostile, ...] = (
    returns("NaN", "float('nan')"),
    returns("infinity in a list", "[float('-inf')]"),
    returns("a number of 20,000 digits", "10 ** 20_000"),
    returns("a lone surrogate", "'\\ud800'"),
    returns("a lone surrogate in a key", "{'\\udfff': 1}"),
    returns("keys that become one", "{1: 'a', '1': 'b'}"),
    returns("a key that is nothing", "{None: 1}"),
    returns("a set", "{1, 2}"),
    returns("bytes", "b'x'"),
    returns("a function", "len"),
    returns("a complex number", "1j"),
    returns("a generator without end", "iter(int, 1)"),
    returns("100,000 levels", "__import__('functools').reduce(lambda x, _: [x], range(100_000), 0)"),
    returns("a list that holds itself", "(lambda x: x.append(x) or x)([])"),
    returns("an answer of 100 MB", "'x' * 100_000_000", "output", "memory"),
    program("ten million numbers", "def body(): return [0] * 10_000_000", "output", "memory", "timeout", seconds=0.5),
    program("one part that is shared a billion times", """
        def body():
            x = 0
            for _ in range(30): x = [x, x]
            return x
        """, "output", "memory", "timeout", seconds=0.5),
    program("an object that lies about its class", """
        class Liar:
            @property
            def __class__(self): return str
        def body(): return Liar()
        """, "runtime", "protocol"),
    program("a text with methods of its own", """
        class Text(str):
            def __str__(self): return "forged"
            def encode(self, *_): return b"forged"
            def isascii(self): return True
        def body(): return Text("own")
        """, value="own"),
    program("a number with methods of its own", """
        class Number(int):
            def __int__(self): return 10 ** 30
            def bit_length(self): return 0
            def __repr__(self): return "NaN"
            __str__ = __repr__
        def body(): return Number(7)
        """, value=7),
    program("a dictionary with methods of its own", """
        class Map(dict):
            def items(self): return iter(lambda: ("k", 1), 1)
            def __iter__(self): return iter(int, 1)
        def body(): return Map(a=1)
        """, value={"a": 1}),
    program("a key with methods of its own", """
        class Key(str):
            def __str__(self): return "forged"
            def __repr__(self): raise RuntimeError
        def body(): return {Key("k"): 1}
        """, "runtime", "value", value={"k": 1}),
    program("arguments that it changes while they are read", """
        def body(given):
            given["self"] = given
            return 1
        """, "protocol", given={}),
    forges("a forged NaN", '{"id":"ID","value":NaN,"arguments":{}}'),
    forges("a forged number beyond all numbers", '{"id":"ID","value":1e999,"arguments":{}}'),
    forges("a forged number of 20,000 digits", '{"id":"ID","value":' + "9" * 20_000 + ',"arguments":{}}'),
    forges("a forged surrogate", '{"id":"ID","value":"\\ud800","arguments":{}}'),
    forges("a forged key, twice", '{"id":"ID","value":{"1":1,"1":2},"arguments":{}}'),
    forges("100,000 forged levels", '{"id":"ID","value":' + "[" * 100_000 + "]" * 100_000 + ',"arguments":{}}'),
    forges("100,000 forged levels that never close", '{"id":"ID","value":' + "[" * 100_000),
    forges("two forged answers", '{"id":"ID","value":1,"arguments":{}}' * 2),
    forges("a forged answer that is no JSON", "hello"),
    forges("a forged answer with more in it", '{"id":"ID","value":1,"arguments":{},"ok":true}'),
    forges("a forged category that is the host's", '{"id":"ID","problem":["environment","x",""]}'),
    forges("a forged category that does not exist", '{"id":"ID","problem":["fine","x",""]}'),
    forges("a forged answer to another call", '{"id":"0123456789abcdef","value":1,"arguments":{}}'),
    forges("a forged text that never closes", '"' + "x" * 100_000),
    program("a forged answer to its own call", f"""{_FIND_IDENTITY}
def body():
    answer = '{{"id":"' + identity() + '","value":"its own word","arguments":{{}}}}'
    os.write(3, answer.encode())
    os._exit(0)
""", value="its own word"),
    program("a forged answer and then a true one", """
        import os
        def body():
            os.write(3, b'{"value": 1}')
            return 2
        """, "protocol"),
    program("a forged line on every descriptor", """
        import os
        def body():
            for number in range(256):
                try:
                    os.write(number, b'{"hello": 1, "id": "x", "ending": "exit", "value": 1}\\n')
                except OSError:
                    pass
            os._exit(0)
        """, "protocol"),
    program("an answer that is not UTF-8",
            "import os\ndef body():\n    os.write(3, b'\"\\xff\"')\n    os._exit(0)", "protocol"),
    program("an answer without end", "import os\ndef body():\n    while True: os.write(3, b'[' * 65536)", "output"),
    program("closing all descriptors", """
        import os
        def body():
            os.closerange(0, 256)
            return "lost"
        """, "killed"),
    program("the answer's descriptor closed", "import os\ndef body():\n    os.close(3)\n    return 'lost'", "killed"),
    program("the answer's descriptor over stdout", """
        import os
        def body():
            os.dup2(3, 1)
            print('{"value": 1}', flush=True)
            return 2
        """, "protocol"),
    program("stdout over the answer's descriptor", """
        import os
        def body():
            os.dup2(1, 3)
            return "lost"
        """, "killed"),
    program("every descriptor made the same", """
        import os
        def body():
            for number in (0, 1, 2): os.dup2(3, number)
            return 2
        """, value=2),
    program("other descriptors than its own", """
        import os
        def body():
            found = []
            for number in range(1024):
                try:
                    os.fstat(number)
                    found.append(number)
                except OSError:
                    pass
            return found
        """, value=[0, 1, 2, 3]),
    program("the answer's pipe made not to wait", """
        import fcntl, os
        def body():
            fcntl.fcntl(3, fcntl.F_SETFL, os.O_NONBLOCK)
            return "x" * 3_000_000
        """, "value", "killed", value="x" * 3_000_000),
)  # fmt: skip
