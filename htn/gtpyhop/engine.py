"""The state that the search works on, made from a GTPyhop state, and what the domain's functions see of it.

The functions of a domain get a `Facade`, which looks like GTPyhop's `State`. Behind it stands the `Engine`, which is
what the search asks for: marks, undo, a fingerprint. The state that planning starts from is read and never changed;
a variable is taken over when it is first looked at, so starting costs the number of variables, not their size.

A variable is one of three things: a fixed value; a dict or a set, which is followed place by place (`variable.py`,
`set_variable.py`); or another value that can change (a list, an object), which is handed out as a copy and compared
afterwards. An assignment `state.x = {...}` is compared with what was there when the action ends, and only the
difference counts.

Not covered: two variables that share one list, say, are two lists after the first action; and what a function keeps
and changes after it has returned.
"""

from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from typing import Any

from htn.errors import DomainError, did_you_mean
from htn.gtpyhop.set_variable import SetVariable
from htn.gtpyhop.things import State, copy_of
from htn.gtpyhop.trace import PlanTrace
from htn.gtpyhop.values import ABSENT, ATOMS, differs, frozen, is_fixed, own_copy, same
from htn.gtpyhop.variable import ORDER, Change, Journal, Variable, factory_of

_ATTRIBUTES = vars(State.__mro__[1])["__dict__"]
_PLAN = "plan"
_DICT = (dict, None)
# What is followed place by place: the journal holds these where something in them has changed.
_FOLLOWED = (Variable, SetVariable)


class Engine:
    """The state variables, and a journal that can take back any change to them. `trace` hears of each attempt."""

    def __init__(self, state: State, trace: PlanTrace | None = None) -> None:
        self.trace = trace
        self._journal = Journal()
        self.readings = self._journal.readings
        self._unread = vars(state).copy()
        name = self._unread.pop("__name__")
        self._names = dict.fromkeys(self._unread)
        # What functions see at once; the rest of what there is they get through `read`.
        self._shown = {name: value for name, value in self._unread.items() if type(value) in ATOMS}
        self._top = self._shown.copy()
        if self._top:
            self._unread = {name: value for name, value in self._unread.items() if name not in self._top}
        # Every dict and set that a variable was, so that one that comes again has the place in the hash that it had.
        self._variables: dict[tuple[str, Any], Variable | SetVariable] = {}
        self._plan: dict[str, Any] = {_PLAN: None}
        self._hash = self._hashed = 0
        self._is_over = False
        self.facade = Facade(self, name)

    # What the search asks for.

    def mark(self) -> int:
        """Return a point that `undo` can go back to."""
        if self._journal.watched:
            self._journal.settle()
        return len(self._journal.changes)

    def undo(self, mark: int) -> None:
        """Take back every change since `mark`, newest first."""
        if self._is_over:
            return
        if self._journal.watched:
            self._journal.settle()
        changes, top = self._journal.changes, self._top
        while len(changes) > mark:
            change = changes.pop()
            holder, key, before = change
            if len(changes) < self._hashed:
                self._hash ^= self._place_hash(change) ^ self._place_hash((holder, key, _held(holder, key)))
                self._hashed = len(changes)
            if isinstance(holder, _FOLLOWED):
                holder.take_back(key, before)
                continue
            if before is ABSENT:
                dict.pop(holder, key, None)
            else:
                dict.__setitem__(holder, key, before)
            if holder is top:
                self._show(key)

    def settle_for(self, _: object) -> None:
        """Hear that a plan was found: the engine is the search's own, so nobody will want the state back."""
        self._is_over = True

    def surely_differs_from(self, mark: int) -> bool:
        """Say that a place is not as it was at `mark`, by one quick look; False says nothing."""
        changes = self._journal.changes
        if self.mark() == mark:
            return False
        holder, key, before = changes[mark]
        if key is ORDER or holder is self._plan:
            return False
        return differs(_held(holder, key), before)

    def fingerprint(self) -> int:
        """Return a hash that is equal for equal states of this search; it costs what changed since the last one."""
        end = self.mark()
        if self._hashed < end:
            first: dict[tuple[int, Any], Change] = {}
            for change in self._journal.changes[self._hashed :]:
                first.setdefault((id(change[0]), change[1]), change)
            for change in first.values():
                holder, key, _ = change
                now = (holder, key, _held(holder, key))
                self._hash ^= self._place_hash(change) ^ self._place_hash(now)
            self._hashed = end
        return self._hash

    def _place_hash(self, place: Change) -> int:
        holder, key, value = place
        if value is ABSENT or holder is self._plan or key is ORDER:
            return 0
        if isinstance(holder, SetVariable):
            return hash((holder._name, frozen(key)))
        if isinstance(holder, Variable):
            return hash((holder._name, frozen(key), frozen(value)))
        return hash((key, type(value) if isinstance(value, _FOLLOWED) else frozen(value)))

    def __contains__(self, name: str) -> bool:
        """Say that a goal can be about a variable. DomainError when it cannot, as in GTPyhop."""
        bindings = vars(self.facade).get(name, ABSENT)
        if bindings is ABSENT:
            known = self.facade.state_vars()
            raise DomainError(
                f"a goal is about state.{name}, which the state {self.facade.__name__} does not have",
                hints=did_you_mean(name, known) or (f"state.{name} = {{}} is enough",),
            )
        if not hasattr(bindings, "get"):
            raise DomainError(f"a goal is about state.{name}, which is a {type(bindings).__name__} and not a dict")
        return True

    def look_up(self, name: str, key: Any = None) -> Any:
        """Return what is at a key of a variable, or None."""
        return getattr(self.facade, name).get(key)

    def copy(self) -> State:
        """Return the state as it is now, as a state of its own."""
        return self.facade.copy()

    # The plan that is being made is journaled too, so going back takes back its actions.

    def changed_since(self, start: int) -> bool:
        """Say whether an action changed the state: the changes from `start` on, taken together."""
        changes = self._journal.changes
        if len(changes) == start:
            return False
        holder, key, before = changes[start]
        now = ABSENT if key is ORDER else _held(holder, key)
        if type(now) in ATOMS and now is not before and (before is ABSENT or (type(before) in ATOMS and now != before)):
            return True
        seen = set()
        for holder, key, before in changes[start:]:
            if key is not ORDER and (id(holder), key) not in seen and differs(_held(holder, key), before):
                return True
            seen.add((id(holder), key))
        return False

    def note(self, task: tuple[Any, ...]) -> None:
        """Add an action to the plan."""
        plan = self._plan
        before = plan[_PLAN]
        self._journal.changes.append((plan, _PLAN, before))
        plan[_PLAN] = (task, before, 1 if before is None else before[2] + 1)

    def plan(self) -> list[tuple[Any, ...]]:
        """Return the actions that were noted on the way to here."""
        found, at = [], self._plan[_PLAN]
        while at is not None:
            task, at, _ = at
            found.append(task)
        return found[::-1]

    def plan_length(self) -> int:
        """Return how many actions were noted on the way to here."""
        at = self._plan[_PLAN]
        return 0 if at is None else int(at[2])

    # What the facade asks for.

    def read(self, name: str) -> Any:
        """Return a variable that is not shown yet. AttributeError when there is none."""
        if name in self._unread:
            self._take_over(name)
            if name in self._shown:
                return self._shown[name]
        value = self._top.get(name, ABSENT)
        if value is ABSENT:
            raise AttributeError(
                f"the state {self.facade.__name__} has no variable {name!r}; it has {', '.join(self.names()) or 'none'}"
            )
        handed_out = self._shown[name] = self._journal.read(name, self._top, name, value, self._shown)
        return handed_out

    def write(self, name: str, value: Any) -> None:
        """Give a variable a value."""
        shown_already = self._shown.get(name, ABSENT) is value
        if shown_already and (isinstance(value, _FOLLOWED) or name in self._journal.watched):
            return
        self._forget(name)
        self._names.setdefault(name)
        if is_fixed(value):
            self._replace(name, value)
            return
        if isinstance(value, _FOLLOWED):
            value = value.copy()
        # Until the action ends it is the writer's own value, which may go on changing.
        self._shown[name] = value
        self._journal.watched[name] = lambda: self._settle_written(name, value)

    def write_atom(self, name: str, value: Any) -> bool:
        """Give a variable a value that has no parts, where that is all there is to it; else return False."""
        top, shown = self._top, self._shown
        before = top.get(name, ABSENT)
        if before is ABSENT:
            if name in shown or name in self._unread:
                return False
            self._names.setdefault(name)
        elif type(before) not in ATOMS or shown.get(name, self) is not before:
            return False
        self._journal.log((top, name, before))
        top[name] = shown[name] = value
        return True

    def remove(self, name: str) -> None:
        """Remove a variable. AttributeError when there is none."""
        if name not in self._shown:
            self.read(name)
        self._forget(name)
        self._replace(name, ABSENT)

    def names(self) -> list[str]:
        """Return the names of the variables there are."""
        return [n for n in self._names if n in self._top or n in self._unread or n in self._shown]

    def become(self, other: State) -> None:
        """Take over the variables of another state, as an action that returns a changed copy means it."""
        wanted = vars(other)
        for name in self.names():
            if name not in wanted:
                self.remove(name)
        for name, value in wanted.items():
            if name != "__name__":
                self.write(name, value)

    def _take_over(self, name: str) -> None:
        value = self._unread.pop(name)
        if type(value) is dict:  # most variables are: what follows would come to the same
            made = Variable.of(self._journal, name, value)
            self._variables[name, _DICT] = self._shown[name] = self._top[name] = made
            return
        kind = _kind(value)
        if kind is not None:
            value = self._variables[name, kind] = self._shown[name] = _followed(self._journal, name, value)
        elif is_fixed(value):
            self._shown[name] = value
        self._top[name] = value

    def _show(self, name: str) -> None:
        """Let the facade have what lies in a variable, unless it must be copied for each reader."""
        value = self._top.get(name, ABSENT)
        if value is not ABSENT and (isinstance(value, _FOLLOWED) or is_fixed(value)):
            self._shown[name] = value
        else:
            self._shown.pop(name, None)

    def _forget(self, name: str) -> None:
        """Stop watching a variable, and see that it was taken over."""
        if name in self._unread:
            self._take_over(name)
        self._journal.settle_one(name)

    def _settle_written(self, name: str, value: Any) -> None:
        before = self._top.get(name, ABSENT)
        kind = _kind(value)
        if kind is None:
            if isinstance(before, _FOLLOWED) or not same(before, value):
                self._replace(name, own_copy(value))
            self._show(name)
            return
        if _kind(before) != kind:
            made = self._variables.get((name, kind))
            if made is None:
                empty: Any = set() if kind == (set,) else {} if kind[1] is None else defaultdict(kind[1])
                made = self._variables[name, kind] = _followed(self._journal, name, empty)
            self._replace(name, made)
        self._show(name)
        self._variables[name, kind].become(value)

    def _replace(self, name: str, value: Any) -> None:
        before = self._top.get(name, ABSENT)
        if isinstance(before, _FOLLOWED):
            before.clear()
        self._journal.changes.append((self._top, name, before))
        if value is ABSENT:
            self._top.pop(name, None)
        else:
            self._top[name] = value
        self._show(name)


def _held(holder: Any, key: Any) -> Any:
    return holder.held(key) if isinstance(holder, _FOLLOWED) else dict.get(holder, key, ABSENT)


def _kind(value: Any) -> tuple[Any, ...] | None:
    """Return what kind of value is followed place by place here, or None."""
    if type(value) is dict or type(value) is defaultdict or isinstance(value, Variable):
        return dict, factory_of(value)
    return (set,) if type(value) is set or type(value) is SetVariable else None


def _followed(journal: Journal, name: str, value: Any) -> Variable | SetVariable:
    return SetVariable.of(journal, name, value) if isinstance(value, set) else Variable.of(journal, name, value)


class Facade(State):
    """A state as the functions of a domain see it while planning."""

    __slots__ = ("_engine",)
    _engine: Engine

    def __init__(self, engine: Engine, name: str) -> None:
        object.__setattr__(self, "_engine", engine)
        _ATTRIBUTES.__set__(self, engine._shown)
        engine._shown["__name__"] = name

    def __getattr__(self, name: str) -> Any:
        engine = self._engine
        reading = engine.readings.get(name)
        if reading is not None and reading.value is engine._top.get(name):
            engine._journal.watched[name] = reading
            engine._shown[name] = reading.copy
            return reading.copy
        if name.startswith("__"):
            raise AttributeError(name)
        return engine.read(name)

    def __setattr__(self, name: str, value: Any) -> None:
        engine = self._engine
        if type(value) in ATOMS and engine.write_atom(name, value):
            return
        if name == "__name__":
            engine._shown[name] = value
        else:
            engine.write(name, value)

    def __delattr__(self, name: str) -> None:
        self._engine.remove(name)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # vars(state) must see, and journal, what attributes do
        return _Attributes(self)

    def __repr__(self) -> str:
        # Explanations show the arguments of functions; the variables, which may be many, would not fit.
        return f"State({self.__name__!r}, …)"

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        return copy_of(self, State, self.__name__)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unpickled, (self.__name__, {name: getattr(self, name) for name in self.state_vars()})


def _unpickled(name: str, variables: dict[str, Any]) -> State:
    return State(name, **variables)


class _Attributes(MutableMapping[str, Any]):
    """The attributes of a facade as `vars` gives them: reading and writing is reading and writing attributes."""

    def __init__(self, facade: Facade) -> None:
        self._facade = facade

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self._facade, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self._facade, name, value)

    def __delitem__(self, name: str) -> None:
        delattr(self._facade, name)

    def __iter__(self) -> Iterator[str]:
        yield "__name__"
        yield from self._facade._engine.names()

    def __len__(self) -> int:
        return 1 + len(self._facade._engine.names())

    def __contains__(self, name: object) -> bool:
        return name == "__name__" or name in self._facade._engine.names()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return vars(self._facade.copy(self._facade.__name__))
