"""Say where two values differ, as near to the cause as can be: the entry, not the whole record."""

from collections.abc import Iterator, Mapping
from typing import Any

from htn.contract import ROUNDING, close
from htn.state import State
from htn.values import plain, show


def differences(
    expected: Mapping[tuple[str, Any], Any], got: Mapping[tuple[str, Any], Any]
) -> list[tuple[str, str, str]]:
    """Return (place, expected, got) for each place of the state, or entry in it, that is not as expected."""
    return [
        difference
        for (variable, key), value in expected.items()
        for difference in _within(_place(variable, key), plain(value), plain(got.get((variable, key), State.ABSENT)))
    ]


def _place(variable: str, key: Any) -> str:
    if key is None:
        return variable
    parts = key if isinstance(key, tuple) else (key,)
    return f"{variable}[{', '.join(map(show, parts))}]"


def _within(place: str, expected: Any, got: Any) -> Iterator[tuple[str, str, str]]:
    if got is State.ABSENT:
        yield place, show(expected), "nothing"
    elif isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for name in expected:
            yield from _within(f'{place}["{name}"]', expected[name], got[name])
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for at, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _within(f"{place}[{at}]", one, other)
    elif not close(expected, got, ROUNDING):
        yield place, show(expected), show(got)
