"""What a question about a run may tell: bounded, without secrets, and the same words for the same situation.

A text that programs wrote is told without what differs from run to run: identifiers, moments, durations, addresses in
memory. Otherwise no situation would ever come twice.

What looks like a secret is left out: state variables and keys that are called so, and in texts what follows such a name
or has the form of a key. That is a precaution, not a fence: a domain that must not tell a model something runs at the
level `basic`.
"""

from collections.abc import Mapping
from typing import Any

from executor.generate.prompt import relevant_state
from executor.told import is_secret, without_secrets
from htn.state import State
from htn.values import show


def told_state(state: State, arguments: tuple[Any, ...], only: tuple[str, ...] = ()) -> str:
    """Return what of a state has to do with some arguments, as JSON; `only` names the variables, where it is not empty.

    Variables and keys that are called as secrets are left out.
    """
    names = [name for name in state if not is_secret(name) and (not only or name in only)]
    return without_secrets(relevant_state(State({name: _open(getattr(state, name)) for name in names}), arguments))


def _open(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        key: _open(part) for key, part in value.items() if not is_secret(key if isinstance(key, str) else show(key))
    }
