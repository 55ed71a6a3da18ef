# ruff: noqa: E501 - a program is a line
"""Bad Python: at least one rule must refuse each of these. Each is a whole program with the function `total(items)`."""

# What was found to get past rules that looked at less; each got an attribute, a class or a frame that it should not.
TRICKS = {
    "a module in a module in a module": "import collections\ndef total(items):\n    return collections.abc.sys.modules",
    "a module that is taken from a module": "from collections import abc\ndef total(items):\n    return abc.sys.modules",
    "a module as a value": "import collections\ndef total(items):\n    x = collections.abc\n    return x.sys",
    "a format that a pattern takes": (
        "def total(items):\n    match '{0.' + items[0] + '}':\n        case str(format=g):\n            return g(items)"
    ),
    "a frame in a pattern of a format": "def total(items):\n    return '{0.gi_frame.f_back}'.format(x for x in items)",
    "a private part in a pattern of a format": "def total(items):\n    return '{0._x}'.format(items)",
    "a frame by the fields of a record": """
from collections.abc import Generator, Hashable
from dataclasses import dataclass
@dataclass(eq=False)
class Frame(Hashable):
    gi_frame: object = None
def total(items):
    Frame.register(Generator)
    match (x for x in items):
        case Frame(frame):
            return str(frame)
""",
    "any attribute by the fields of a named tuple": """
from collections import namedtuple
from collections.abc import Generator, Hashable
def total(items):
    Pair = namedtuple("Pair", ["gi" + "_frame"])
    class Any(Pair, Hashable):
        pass
    Any.register(Generator)
    match (x for x in items):
        case Any(frame):
            return str(frame)
""",
    "any attribute by a field with another name": """
from dataclasses import asdict, dataclass, field
HELD = field(default=1)
@dataclass
class Item:
    price: object = HELD
def total(items):
    HELD.name = items[0]
    return asdict(Item())
""",
    "the same with a class that is a record only later": """
from dataclasses import asdict, dataclass, field
class Item:
    price: object = field(default=1)
def total(items):
    held = Item.price
    dataclass(Item)
    held.name = items[0]
    return asdict(Item())
""",
    "the same by another name": """
import dataclasses as d
def total(items):
    held = d.field(default=1)
    held.name = items[0]
""",
    "the same by a decorator below": """
from dataclasses import dataclass, field
def total(items):
    def keep(cls):
        items.append(cls.price)
        return cls
    @dataclass
    @keep
    class Item:
        price: object = field(default=1)
""",
    "a copy that is made as the code likes": """
from copy import deepcopy
from functools import cached_property
class Item:
    @cached_property
    def price(self):
        return lambda *_: (list, (), (None, {}))
def total(items):
    item = Item()
    Item.price.attrname = items[0]
    item.price
    return deepcopy(item)
""",
    "the bare Enum by the order of classes": """
from enum import Enum
class Colour(Enum):
    RED = 1
def total(items):
    return Colour.mro()[1]("X", {items[0]: 1})
""",
    "the clock by a pattern": (
        "from datetime import datetime\ndef total(items):\n    match datetime:\n        case object(now=n):\n"
        "            return str(n())"
    ),
    "dice": "import statistics\ndef total(items):\n    return statistics.NormalDist().samples(3)",
    "a keyword with underscores": "def total(items):\n    return list(dict(__class__=1))",
    "an exception with underscores": "def total(items):\n    try:\n        return 1\n    except ValueError as __e:\n        return 2",
    "a pattern with underscores": "def total(items):\n    match items:\n        case [*__rest]:\n            return 1",
    "a frame as a name": "def total(items):\n    gi_frame = 1\n    return gi_frame",
    "private parts of another object": "def total(items):\n    return items._private",
    "private parts of what a method calls its own": """
class A:
    def get(self):
        for self in [1]:
            return self._private
def total(items):
    return A().get()
""",
    "private parts of a base": """
from enum import Enum
class A(Enum):
    RED = 1
    def get(self):
        return self._name_
def total(items):
    return A.RED.get()
""",
    "the maker of an enumeration through a method": """
class A:
    def get(self):
        return self._create_
def total(items):
    return A.get(items)
""",
    "a special method that answers for attributes": """
class A:
    def __getattr__(self, name):
        return name
def total(items):
    return A().x
""",
    "a special method that is handed a traceback": """
class A:
    def __exit__(self, kind, error, trace):
        return trace
def total(items):
    return A()
""",
    "a special method that says how it is copied": """
class A:
    def __reduce__(self):
        return list, ()
def total(items):
    return A()
""",
    "a special method that is taken": "class A:\n    def __init__(self): pass\ndef total(items):\n    return A.__init__",
    "slots that are computed": "def total(items):\n    class A:\n        __slots__ = [items[0]]\n    return A()",
    "the traceback of a group": """
def total(items):
    try:
        raise ExceptionGroup("g", [ValueError()])
    except* ValueError as group:
        return group.exceptions[0].__traceback__
""",
    "a character that turns the direction of writing": "def total(items):\n    return sum(items)  # \u202e",
    "a character that hides": "def total(items):\n    return '\u200b'.join(items)",
    "a builtin in the pieces of an f-string": "def total(items):\n    return f'{f\"{eval}\"}'",
    "a builtin as a default of a lambda": "def total(items):\n    return (lambda f=eval: f)()",
    "a builtin in a comprehension of a class": "def total(items):\n    class A:\n        x = [open for _ in items]\n    return A",
    "a builtin by an assignment within": "def total(items):\n    return [f for _ in items if (f := open)]",
    "a builtin as a decorator": "def total(items):\n    @eval\n    def g(): pass\n    return g",
    "an import that is tried": "def total(items):\n    try:\n        import os\n    except ImportError:\n        os = None\n    return os",
}

# What models write when they forget where the code runs, and what people write who do not.
PLAIN = {
    f"{what[:40]}": f"def total(items):\n    {what}"
    for what in (
        "import os; return os.system('ls')",
        "import subprocess; return subprocess.run(['ls'], capture_output=True).stdout.decode()",
        "import sys; return sys.argv",
        "import socket; return socket.gethostname()",
        "import requests; return requests.get('http://example.org').text",
        "import urllib.request; return urllib.request.urlopen('http://example.org').read()",
        "import pickle; return pickle.loads(items)",
        "import marshal; return marshal.loads(items)",
        "import shelve; return shelve.open('x')",
        "import ctypes; return ctypes.CDLL(None)",
        "import importlib; return importlib.import_module('os')",
        "import builtins; return builtins.open",
        "import shutil; shutil.rmtree('/')",
        "import tempfile; return tempfile.mkdtemp()",
        "import threading; threading.Thread(target=print).start()",
        "import multiprocessing; return multiprocessing.Pool()",
        "import asyncio; return asyncio.run(items)",
        "import random; return random.random()",
        "import time; return time.time()",
        "import uuid; return str(uuid.uuid4())",
        "import secrets; return secrets.token_hex()",
        "import inspect; return inspect.stack()",
        "import gc; return len(gc.get_objects())",
        "import signal; signal.alarm(0)",
        "import logging; logging.info(items)",
        "import numpy as np; return np.mean(items)",
        "import pandas as pd; return pd.DataFrame(items)",
        "from os import path; return path.exists('/')",
        "from pathlib import Path; return Path('/').exists()",
        "return open('/etc/passwd').read()",
        "return eval(items)",
        "exec(items)",
        "return compile(items, 'x', 'eval')",
        "return __import__('os').getcwd()",
        "return getattr(items, 'x')",
        "setattr(items, 'x', 1)",
        "return globals()",
        "return vars(items)",
        "return dir(items)",
        "return input()",
        "breakpoint()",
        "exit(1)",
        "return id(items)",
        "return items.__class__",
        "return (lambda: 0).__globals__",
        "return ().__class__.__mro__[1].__subclasses__()",
        "return type('X', (), {})",
        "return items.format(items)",
        "return '{0.__class__}'.format(items)",
    )
}
BAD = {**TRICKS, **PLAIN}
