"""Programs that poison the interpreter, leave in odd ways, or leave something for the next call."""

from tests.hostile.program import Hostile, program

RUNNER: tuple[Hostile, ...] = (
    program("poisoned modules", """
        import sys
        def body():
            for name in ("json", "os", "io", "traceback", "re", "math"): sys.modules[name] = None
            return "done"
        """, value="done"),
    program("no modules at all", "import sys\ndef body():\n    sys.modules.clear()\n    return 'done'", value="done"),
    program("poisoned builtins", """
        import builtins
        def body():
            for name in ("isinstance", "len", "open", "print", "getattr", "type"): setattr(builtins, name, None)
            return object()
        """, "killed", "runtime", "protocol"),
    program("no builtins at all", "import builtins\ndef body():\n    vars(builtins).clear()\n    return 1",
            "killed", "runtime", "value", value=1),
    program("a poisoned json module", """
        import json
        def body():
            json.dumps = lambda *_, **__: '{"id": "x", "value": "forged", "arguments": {}}'
            return 1
        """, "protocol"),
    program("a json encoder that lies", """
        import json
        def body():
            json.dumps.__code__ = (lambda *_, **__: "forged").__code__
            json.encoder.encode_basestring_ascii = lambda _: "forged"
            return "x"
        """, "protocol", "runtime", "killed"),
    program("an import hook", """
        import sys
        class Hook:
            def find_spec(self, *_): raise ValueError("hooked")
        def body():
            sys.meta_path[:] = [Hook()]
            sys.path_hooks[:] = sys.path[:] = []
            import calendar
            return "done"
        """, "value", "runtime", value="done"),
    program("a module under its own name", """
        import sys
        def body():
            sys.modules["body"] = sys.modules["__main__"] = sys
            return "done"
        """, value="done"),
    program("something to do at exit, without end", """
        import atexit
        def forever():
            while True: pass
        def body():
            atexit.register(forever)
            return "done"
        """, value="done"),
    program("hooks for every exception", """
        import sys, threading
        def forever(*_):
            while True: pass
        def body():
            sys.excepthook = sys.unraisablehook = threading.excepthook = forever
            raise ValueError("own")
        """, "runtime"),
    program("a trace function that raises", """
        import sys
        def trace(*_): raise RuntimeError("traced")
        def body():
            sys.settrace(trace)
            sys.setprofile(trace)
            return "done"
        """, "value", "runtime", "killed", value="done"),
    program("an audit hook that refuses everything", """
        import sys
        def body():
            def refuse(*_): raise RuntimeError("audited")
            sys.addaudithook(refuse)
            return "done"
        """, "value", "runtime", "killed", value="done"),
    program("too low a limit of recursion",
            "import sys\ndef body():\n    sys.setrecursionlimit(20)\n    return [[[1]]]",
            "value", "runtime", "killed", value=[[[1]]]),
    program("leaving by os._exit", "import os\ndef body(): os._exit(0)", "killed"),
    program("leaving by os._exit with the runner's own number", "import os\ndef body(): os._exit(99)", "killed"),
    program("leaving by sys.exit", "import sys\ndef body(): sys.exit(0)", "runtime"),
    program("leaving by sys.exit at import", "raise SystemExit\ndef body(): return 1", "runtime"),
    program("an interrupt of its own", "def body(): raise KeyboardInterrupt", "runtime"),
    program("an exception that is no Exception", "def body(): raise GeneratorExit", "runtime"),
    program("an exception whose text raises", """
        class Bad(Exception):
            def __str__(self): raise RuntimeError
            __repr__ = __str__
        def body(): raise Bad
        """, "runtime"),
    program("an exception whose text is no text", """
        class Bad(Exception):
            def __str__(self): return 7
        def body(): raise Bad
        """, "runtime"),
    program("an exception whose text leaves", """
        import os
        class Bad(Exception):
            def __str__(self): os._exit(0)
        def body(): raise Bad
        """, "killed"),
    program("an exception that bites when it is copied", """
        class Bad(Exception):
            def __reduce__(self): return eval, ("__import__('os')._exit(1)",)
            def __getstate__(self): raise SystemExit
        def body(): raise Bad("own")
        """, "runtime"),
    program("an exception with a text of 10 MB", "def body(): raise ValueError('x' * 10 ** 7)", "runtime"),
    program("an exception with half of a character", "def body(): raise ValueError('\\ud800')", "runtime"),
    program("an exception that is its own cause", """
        def body():
            error, other = ValueError(), ValueError()
            error.__context__, other.__context__ = other, error
            raise error
        """, "runtime"),
    program("an exception with a name that never ends", """
        class Meta(type):
            def __getattribute__(cls, name): raise RuntimeError(name)
        class Bad(Exception, metaclass=Meta): pass
        def body(): raise Bad
        """, "runtime", "killed"),
    program("an import that fails", "import nothing_of_this_name\ndef body(): return 1", "import"),
    program("an import error with a code of its own", """
        def body():
            error = ImportError("x", name="y", path="/etc/passwd")
            raise error
        """, "import"),
    program("code that is no Python", "def body(:", "syntax"),
    program("code with a NUL in it", "def body(): return 1 \0", "syntax"),
    program("no entry point", "def other(): return 1", "runtime"),
    program("an entry point that is no function", "body = 7", "runtime"),
    program("an entry point that is called in its own way", """
        class Odd:
            def __call__(self, *a, **k): return "called"
        body = Odd()
        """, value="called"),
    program("memory of the interpreter overwritten", """
        import ctypes
        def body():
            ctypes.memset(id(None), 0, 64)
            ctypes.memset(id(True), 0, 64)
            return None
        """, "killed", "protocol", "runtime"),
    program("a small number changed for all", """
        import ctypes
        def body():
            ctypes.memmove(id(7) + 24, (1234).to_bytes(4, "little"), 4)
            return "done"
        """, "value", "killed", "runtime", value="done"),
    program("constants of the runner changed", """
        import sys
        def body():
            for name, module in list(sys.modules.items()):
                if "inside" in name or name == "__main__":
                    for each in list(vars(module)):
                        if each.startswith("_") and each.isupper(): setattr(module, each, 0)
            return "done"
        """, "value", "killed", value="done"),
    program("functions of the runner changed", """
        import sys
        def body():
            frame = sys._getframe(1)
            for name, value in list(frame.f_globals.items()):
                if callable(value) and name.startswith("_"): frame.f_globals[name] = lambda *a, **k: b"forged"
            return 1
        """, "protocol", "killed"),
    program("marks on everything that is shared", """
        import builtins, collections, json, math, os, random, sys, decimal, warnings
        def body():
            builtins.mark = math.mark = json.mark = sys.mark = collections.mark = 1
            sys.modules["mark"] = math
            sys.path.append("/mark")
            os.environ["mark"] = "1"
            random.seed(1)
            decimal.getcontext().prec = 3
            warnings.filterwarnings("error")
            sys.set_int_max_str_digits(0)
            return "done"
        """, value="done"),
    program("looking for earlier calls in memory", """
        import gc
        def body():
            asked = "a-secret-of-" + "an-earlier-call"
            found = [1 for each in gc.get_objects() for value in (each.values() if type(each) is dict else [])
                     if type(value) is str and value == asked]
            return len(found)
        """, value=0),
    program("looking for requests in the frames", """
        import sys
        def body():
            frame, found = sys._getframe(), []
            while frame:
                request = frame.f_locals.get("request")
                if isinstance(request, dict): found += [k for k in request if k in ("secret", "token", "key")]
                frame = frame.f_back
            return found
        """, value=[]),
    program("the runner's memory through /proc", """
        import os
        def body():
            try:
                with open("/proc/self/mem", "r+b", 0) as file:
                    file.seek(id(os))
                    file.write(bytes(64))
            except OSError:
                return "refused"
            return "written"
        """, value="refused"),
)  # fmt: skip
