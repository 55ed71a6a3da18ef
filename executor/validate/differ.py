"""Say where two values differ, as near to the cause as can be: the entry, not the whole record."""

from collections.abc import Iterator, Mapping
from typing import Any

from htn.contract import ROUNDING, close
from htn.state import State
from htn.values import plain, show

_UNTOUCHED = object()


def differences(
    expected: Mapping[tuple[str, Any], Any], got: Mapping[tuple[str, Any], Any], noise: float = 0.0
) -> list[tuple[str, str, str]]:
    """Return (place, expected, got) for each place of the state, or entry in it, that is not as expected.

    `noise` is how far from an expected zero a number may lie through rounding alone.
    """
    found: list[tuple[str, str, str]] = []
    for (variable, key), value in expected.items():
        place, held = place_name(variable, key), got.get((variable, key), _UNTOUCHED)
        if value is not State.ABSENT:
            held = State.ABSENT if held is _UNTOUCHED else held
            found += _within(place, plain(value), plain(held), noise)
        elif held is not State.ABSENT:
            found.append((place, "gone", "as before" if held is _UNTOUCHED else show(held)))
    return found


def place_name(variable: str, key: Any, width: int = 60) -> str:
    """Return a place of the state as a contract writes it, each part of the key cut to `width` characters."""
    if key is None:
        return variable
    parts = key if isinstance(key, tuple) else (key,)
    return f"{variable}[{', '.join(show(part, width) for part in parts)}]"


def _within(place: str, expected: Any, got: Any, noise: float) -> Iterator[tuple[str, str, str]]:
    if got is State.ABSENT:
        yield place, show(expected), "nothing"
    elif isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for name in expected:
            yield from _within(f'{place}["{name}"]', expected[name], got[name], noise)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for at, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _within(f"{place}[{at}]", one, other, noise)
    elif not close(expected, got, ROUNDING, 0.0 if expected else noise):
        yield place, show(expected), show(got)
