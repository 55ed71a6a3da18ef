"""What of the standard library a body may use: modules, and of each module its public names.

Allow-lists: a module that is not named here is refused, and so is a name that its module does not offer (`__all__`),
such as what it has itself imported. Modules whose public names include ways to take an attribute by a text, to make
a class out of a dict, or to evaluate a text have a list of their own; every name on it was looked at for these three.
"""

import importlib
from types import ModuleType

MODULES = frozenset({
    "bisect", "calendar", "collections", "collections.abc", "copy", "csv", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "textwrap", "typing", "unicodedata",
})  # fmt: skip

# Kinds of Enum. `Enum("X", {...})` makes a class with any attributes, so a rule of its own guards these (classes.py).
ENUMS = frozenset({"Enum", "Flag", "IntEnum", "IntFlag", "StrEnum"})

_ONLY: dict[str, frozenset[str]] = {
    # `replace`, `fields` and `Field` lead to fields whose name can be changed; `make_dataclass` takes a namespace.
    "dataclasses": frozenset({
        "FrozenInstanceError", "InitVar", "KW_ONLY", "asdict", "astuple", "dataclass", "field", "is_dataclass",
    }),
    "enum": ENUMS | {"auto", "unique"},
    # `wraps` and `update_wrapper` copy attributes that are named by texts; `singledispatch` evaluates annotations.
    "functools": frozenset({"cache", "cached_property", "cmp_to_key", "lru_cache", "partial", "reduce",
                            "total_ordering"}),
    "string": frozenset({
        "Template", "ascii_letters", "ascii_lowercase", "ascii_uppercase", "capwords", "digits", "hexdigits",
        "octdigits", "printable", "punctuation", "whitespace",
    }),
    "typing": frozenset({
        "AbstractSet", "Annotated", "Any", "AnyStr", "Callable", "ClassVar", "Collection", "Container", "Counter",
        "DefaultDict", "Deque", "Dict", "Final", "FrozenSet", "Generator", "Generic", "Hashable", "Iterable",
        "Iterator", "List", "Literal", "Mapping", "MutableMapping", "MutableSequence", "MutableSet", "NamedTuple",
        "NoReturn", "Optional", "OrderedDict", "ParamSpec", "Protocol", "Reversible", "Self", "Sequence", "Set",
        "Sized", "SupportsAbs", "SupportsFloat", "SupportsIndex", "SupportsInt", "Tuple", "Type", "TypeAlias",
        "TypeVar", "TypedDict", "Union", "cast", "final", "overload",
    }),
}  # fmt: skip
# Special methods that a class may define: they say how its objects are made, compared, counted and shown. Left out are
# those that are asked for attributes, make classes or copies, or are handed a traceback.
SPECIAL_METHODS = frozenset({
    f"__{name}__"
    for name in (
        "init", "post_init", "repr", "str", "len", "bool", "iter", "next", "reversed", "contains", "getitem",
        "setitem", "delitem", "eq", "ne", "lt", "le", "gt", "ge", "hash", "add", "radd", "iadd", "sub", "rsub",
        "isub", "mul", "rmul", "imul", "matmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod",
        "divmod", "pow", "neg", "pos", "abs", "invert", "and", "or", "xor", "int", "float", "index", "round",
    )
})  # fmt: skip
_NOT = frozenset({("copy", "replace"), ("operator", "attrgetter"), ("operator", "methodcaller")})


def is_hidden(module: str, attribute: str) -> bool:
    """Say whether a part of an allowed module may not be used: private, absent, a module, or not on its list."""
    if attribute.startswith("_") or (module, attribute) in _NOT:
        return True
    if module in _ONLY and attribute not in _ONLY[module]:
        return True
    loaded = importlib.import_module(module)
    value = getattr(loaded, attribute, None)
    if isinstance(value, ModuleType):
        return f"{module}.{attribute}" not in MODULES
    return value is None or attribute not in getattr(loaded, "__all__", (attribute,))
