"""Values as state variables hold them, and a form in which they can be compared to the last detail."""

from typing import Any

from hypothesis import strategies as st

words = st.text(alphabet="ab$é '\"\\\n,", max_size=4)
numbers = st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
atoms = st.none() | st.booleans() | numbers | words
# No numbers that equal a boolean: a set cannot hold both, so it would not be told apart from its copy.
members = st.integers(2, 5) | words
keys = members | st.tuples(words, members) | st.tuples(st.tuples(words), members) | st.frozensets(words, max_size=2)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
        | st.sets(members, max_size=3)
        | st.frozensets(members, max_size=3)
        | inner.map(lambda part: {"$tuple": part})
    )


values = st.recursive(atoms, _nested, max_leaves=6)
containers = _nested(values)
plain_values = atoms | st.lists(atoms, max_size=3).map(tuple)
names = st.sampled_from(["loc", "cargo", "day"])
mappings = st.dictionaries(keys, values, max_size=3)
states = st.dictionaries(names, mappings | plain_values, max_size=3)


def exact(value: Any) -> Any:
    """Return a form that is equal only for values of the same types, dicts in the same order."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [exact(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(map(repr, map(exact, value)))
    if isinstance(value, dict):
        return "dict", [(exact(key), exact(part)) for key, part in value.items()]
    return type(value).__name__, value
