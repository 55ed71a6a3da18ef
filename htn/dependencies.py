"""What the actions of a plan have to do with each other, found by carrying the plan out once more.

Nobody annotates anything: the replay takes down what each action, each method and each goal reads and writes.

    link     an action made the value that a later action, a method or a goal reads; or it was there from the start
    edge     two actions must keep their order: one writes what the other reads or writes
    stage    actions of one stage have nothing to do with each other; each stage needs only those before it

What a method reads belongs to the first action below it, and without one to the next action of the plan. A goal's
reads are the goal's own. What an action's cost and duration depend on is part of what it reads. Carried out in any
order that keeps the edges, the actions lead to the same final state, for the same cost.

The order in which a variable's keys came into being is part of what an iteration reads: the actions before it that
add or remove keys keep their order among each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from htn.domain import Domain, amount
from htn.errors import HtnError, UsageError
from htn.network import Multigoal, Task, show_task
from htn.observe import Notes, Observer, Place
from htn.plan import Decomposition, Plan, Why, brief
from htn.replay import (
    Endings,
    alternatives,
    arguments_of,
    checks_in,
    form,
    is_goal,
    is_reached,
    last_moments,
    methods_for,
    tasks_in,
)
from htn.state import State

if TYPE_CHECKING:
    import networkx as nx

Kind: TypeAlias = Literal["write before read", "read before write", "write before write"]
Reader: TypeAlias = Literal["action", "method", "goal"]


@dataclass(frozen=True)
class Link:
    """Someone reads a value, and the action `source` made it, or nobody did: it was there from the start (None).

    `node` is the index in `Plan.nodes` of the action, method or goal that reads. `target` is the action that it
    belongs to, or None for a goal and for a method after which no action comes.
    """

    source: int | None
    target: int | None
    place: Place
    reader: Reader
    node: int


@dataclass(frozen=True)
class Edge:
    """Action `before` must come before action `after`, because of these places."""

    before: int
    after: int
    kind: Kind
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Dependencies:
    """What the actions of a plan have to do with each other. Actions are named by their index in `plan.actions`."""

    plan: Plan
    links: tuple[Link, ...] = field(repr=False)
    edges: tuple[Edge, ...] = field(repr=False)
    reads: tuple[tuple[Place, ...], ...] = field(repr=False)
    writes: tuple[tuple[Place, ...], ...] = field(repr=False)
    costs: tuple[float, ...]
    durations: tuple[float, ...]

    @property
    def cost(self) -> float:
        """What all actions cost together."""
        return sum(self.costs)

    @property
    def duration(self) -> float:
        """How long the plan takes when every action begins as soon as it may."""
        return max((end for _, end in self.times), default=0.0)

    @cached_property
    def before(self) -> tuple[tuple[int, ...], ...]:
        """For each action, those that must come before it: at least the ones that no other one implies."""
        found: list[set[int]] = [set() for _ in self.costs]
        for edge in self.edges:
            found[edge.after].add(edge.before)
        return tuple(tuple(sorted(those)) for those in found)

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """The actions in layers, each as early as it can be."""
        layer: list[int] = []
        for those in self.before:
            layer.append(max((layer[one] + 1 for one in those), default=0))
        stages: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
        for action, at in enumerate(layer):
            stages[at].append(action)
        return tuple(map(tuple, stages))

    @cached_property
    def times(self) -> tuple[tuple[float, float], ...]:
        """When each action begins and ends at the earliest; the plan begins at 0."""
        times: list[tuple[float, float]] = []
        for those, duration in zip(self.before, self.durations, strict=True):
            begin = max((times[one][1] for one in those), default=0.0)
            times.append((begin, begin + duration))
        return tuple(times)

    @cached_property
    def critical_path(self) -> tuple[int, ...]:
        """A chain of actions that takes as long as the whole plan: to be faster, one of these must be."""
        if not self.times:
            return ()
        at = max(range(len(self.times)), key=lambda action: self.times[action][1])
        path = [at]
        while self.before[at]:
            at = max(self.before[at], key=lambda action: self.times[action][1])
            path.append(at)
        return tuple(reversed(path))

    def graph(self) -> nx.DiGraph[int]:
        """Return the graph of the edges.

        A node has `action`, `label`, `cost` and `duration`; an edge `kinds`, which maps each kind to its places.
        """
        import networkx as nx  # noqa: PLC0415 - 0.2 s that nobody pays who asks for no graph

        graph: nx.DiGraph[int] = nx.DiGraph()
        for at, (action, cost, duration) in enumerate(zip(self.plan.actions, self.costs, self.durations, strict=True)):
            graph.add_node(at, action=action, label=str(action), cost=cost, duration=duration)
        for edge in self.edges:
            if not graph.has_edge(edge.before, edge.after):
                graph.add_edge(edge.before, edge.after, kinds={})
            graph.edges[edge.before, edge.after]["kinds"][edge.kind] = edge.places
        return graph

    def reduced(self) -> nx.DiGraph[int]:
        """Return the graph without the edges that others imply: its transitive reduction (Aho, Garey, Ullman, 1972)."""
        import networkx as nx  # noqa: PLC0415 - as above

        graph = self.graph()
        kept = nx.transitive_reduction(graph).edges
        graph.remove_edges_from([edge for edge in graph.edges if edge not in kept])
        return graph

    def why(self, index: int) -> Why:
        """Return why an action is there and what needs it. UsageError when there is no such action."""
        return self.plan.why(index, self)

    def relies_on(self, index: int) -> tuple[str, ...]:
        """Return in words what was made for an action, and by which action before it."""
        made = [link for link in self.links if link.target == index and link.source is not None]
        return tuple(f"{link.place}, which {self._name(link.source)} made{self._whose(link)}" for link in made)

    def needed_by(self, index: int) -> tuple[str, ...]:
        """Return in words which later actions, methods and goals read what an action made."""
        return tuple(
            dict.fromkeys(f"{self._reader(link)}: it reads {link.place}" for link in self.links if link.source == index)
        )

    def _name(self, index: int | None) -> str:
        return "nobody" if index is None else f"{index + 1}. {self.plan.actions[index]}"

    def _whose(self, link: Link) -> str:
        node = self.plan.nodes[link.node]
        return "" if node.is_action else f", for {node.method}"

    def _reader(self, link: Link) -> str:
        node = self.plan.nodes[link.node]
        if link.reader == "action":
            return self._name(link.target)
        if link.reader == "goal":
            return f"the goal {brief(node.task)}"
        way = f"the method {node.method} of {brief(node.task)}"
        return way if link.target is None else f"{way}, for {self._name(link.target)}"


def dependencies_of(domain: Domain, state: State, plan: Plan) -> Dependencies:
    """Return what the actions of a plan have to do with each other, when it is carried out from a state.

    The state is left as it is. UsageError when the plan cannot be carried out; `verify_plan` says all that is wrong.
    """
    return _Replay(domain, state, plan).run()


class _History:
    """Who wrote and who read each place, while the actions pass by in order.

    Only the latest matter: an edge to an action that a later one stands behind is implied.
    """

    def __init__(self) -> None:
        self._whole: dict[str, int] = {}  # who last wrote a whole variable
        self._entries: dict[str, dict[Any, int]] = {}  # who last wrote each entry since then
        self._readers: dict[str, dict[Any, list[int]]] = {}  # who has read since then, by key; None is the whole
        self._read_everything: list[int] = []
        self._reshaped: dict[str, list[int]] = {}

    def makers(self, place: Place) -> Iterator[tuple[int | None, Place]]:
        """Give who made what a place holds, and which place that was; None for what was there from the start."""
        if place.is_everything:
            for variable in sorted({*self._whole, *self._entries}):
                yield from self.makers(Place(variable))
            yield None, place
            return
        entries, whole = self._entries.get(place.variable, {}), self._whole.get(place.variable)
        if place.key is None:
            for key, maker in entries.items():
                yield maker, Place(place.variable, key)
            yield whole, place
        else:
            yield entries.get(place.key, whole), place

    def read(self, action: int, place: Place) -> None:
        """Note that an action read a place."""
        if place.is_everything:
            self._read_everything.append(action)
        else:
            self._readers.setdefault(place.variable, {}).setdefault(place.key, []).append(action)

    def readers(self, place: Place) -> set[int]:
        """Return who has read what is at a place now, all or part of it."""
        by_key = self._readers.get(place.variable, {})
        if place.key is None:
            return {reader for those in by_key.values() for reader in those}.union(self._read_everything)
        maker = next(self.makers(place))[0]
        since = -1 if maker is None else maker
        wider = (reader for reader in [*by_key.get(None, ()), *self._read_everything] if reader >= since)
        return {*by_key.get(place.key, ()), *wider}

    def write(self, action: int, place: Place) -> None:
        """Note that an action wrote a place."""
        if place.key is None:
            self._whole[place.variable] = action
            for table in (self._entries, self._readers, self._reshaped):
                table.pop(place.variable, None)
        else:
            self._entries.setdefault(place.variable, {})[place.key] = action
            self._readers.get(place.variable, {}).pop(place.key, None)

    def reshape(self, action: int, variable: str) -> None:
        """Note that an action added or removed a key."""
        self._reshaped.setdefault(variable, []).append(action)

    def reshapers(self, variable: str) -> list[int]:
        """Return who added or removed keys; before an iteration these keep their order."""
        those = self._reshaped.get(variable, [])
        self._reshaped[variable] = those[-1:]
        return those


class _Replay:
    """Carries a plan out once more and takes down what is read and written."""

    def __init__(self, domain: Domain, state: State, plan: Plan) -> None:
        self.domain, self.plan = domain, plan
        self.observer = Observer(state.copy())
        self.history = _History()
        self.links: list[Link] = []
        self.edges: dict[tuple[int, int, Kind], dict[Place, None]] = {}
        self.reads: list[tuple[Place, ...]] = []
        self.writes: list[tuple[Place, ...]] = []
        self.costs: list[float] = []
        self.durations: list[float] = []
        self.owners = _owners(plan)
        self.below: list[list[Task | Multigoal]] = [[] for _ in plan.nodes]
        checks = checks_in(domain, plan.nodes)
        for at, node in enumerate(plan.nodes):
            if node.parent is not None and at not in checks:
                self.below[node.parent].append(node.task)
        self.notes: dict[int, list[Notes]] = {}  # of methods, by the action that they belong to

    def run(self) -> Dependencies:
        """Go through the nodes in order."""
        goals = {
            at for at, node in enumerate(self.plan.nodes)
            if not node.is_action and not node.holds_already and not node.is_open and is_goal(self.domain, node.task)
        }  # fmt: skip
        endings = Endings(self.plan.nodes, goals, self._goal)
        for at, node in enumerate(self.plan.nodes):
            if node.is_open:
                break  # what is planned later has no actions yet
            try:
                if node.method is None:
                    self._action(at)
                elif node.holds_already:
                    self._goal(at)
                else:
                    self._method(at)
                endings.carried_out(at)
            except (HtnError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001  # a domain's function may raise anything; it is told as its own
                _refuse(at, node, f"{type(error).__name__}: {error}", error)
        edges = tuple(Edge(*key, tuple(places)) for key, places in self.edges.items())
        return Dependencies(
            self.plan, tuple(self.links), edges, tuple(self.reads), tuple(self.writes), tuple(self.costs),
            tuple(self.durations),
        )  # fmt: skip

    def _action(self, at: int) -> None:
        node, state = self.plan.nodes[at], self.observer.state
        assert isinstance(node.task, tuple)  # goals have methods; `_owners` has seen to it
        operator = self.domain.operators.get(node.task[0])
        if operator is None or operator.apply is None:
            _refuse(at, node, "nobody knows how to do it")
        arguments, index = arguments_of(node.task), len(self.costs)
        notes = self.observer.begin()
        self.costs.append(amount(operator.cost, state, arguments))
        self.durations.append(amount(operator.duration, state, arguments))
        if operator.apply(state, *arguments) is not state:
            _refuse(at, node, "it does not apply")
        self.observer.settle()
        self._link(notes.reads, at, "action", index)
        before = self.notes.pop(index, [])
        self._order(index, [*before, notes], notes)

    def _order(self, index: int, reading: list[Notes], notes: Notes) -> None:
        """Add the edges to an action from those that it must come after, and note what it reads and writes."""
        history = self.history
        reads = dict.fromkeys(place for one in reading for place in one.reads)
        for place in reads:
            for maker, made in history.makers(place):
                self._edge(maker, index, "write before read", made)
        for variable in dict.fromkeys(variable for one in reading for variable in one.iterated):
            reshapers = history.reshapers(variable)
            for one, other in pairwise(reshapers):
                self._edge(one, other, "write before write", Place(variable))
        for place in notes.writes:
            for reader in sorted(history.readers(place)):
                self._edge(reader, index, "read before write", place)
            for maker, made in history.makers(place):
                self._edge(maker, index, "write before write", made)
        for place in reads:
            history.read(index, place)
        for place in sorted(notes.writes, key=lambda place: place.key is not None):
            history.write(index, place)
        for variable in notes.reshaped:
            history.reshape(index, variable)
        self.reads.append(tuple(reads))
        self.writes.append(tuple(notes.writes))

    def _edge(self, before: int | None, after: int, kind: Kind, place: Place) -> None:
        if before is not None and before != after:
            self.edges.setdefault((before, after, kind), {}).setdefault(place)

    def _method(self, at: int) -> None:
        """Ask the method of a node once more, until it gives what the plan holds."""
        node = self.plan.nodes[at]
        method = next((m for m in methods_for(self.domain, node.task) if m.name == node.method), None)
        if method is None:
            _refuse(at, node, f"it has no method {node.method}")
        wanted = Counter(map(form, self.below[at]))
        notes = self.observer.begin()
        for parts in alternatives(method, self.observer.state, node.task):
            if Counter(map(form, tasks_in(parts))) == wanted:
                break
        owner = self.owners[at]
        self._link(notes.reads, at, "method", owner)
        if owner is not None:
            self.notes.setdefault(owner, []).append(notes)

    def _goal(self, at: int) -> bool:
        """Say whether the goal of a node holds; when it does, note which values make it so."""
        notes = self.observer.begin()
        reached = is_reached(self.observer.state, self.plan.nodes[at].task)
        if reached:
            self._link(notes.reads, at, "goal", None)
        return reached

    def _link(self, places: Iterable[Place], at: int, reader: Reader, target: int | None) -> None:
        for place in places:
            for maker, made in self.history.makers(place):
                if maker is not None or not place.is_existence:
                    self.links.append(Link(maker, target, made, reader, at))


def _owners(plan: Plan) -> list[int | None]:
    """Return for each node the action that its reads belong to: the first one below it, or else the next one."""
    ends = last_moments(plan.nodes)
    first: list[int | None] = [None] * len(plan.nodes)
    following: list[int | None] = [None] * (len(plan.nodes) + 1)
    left = len(plan)
    for at in reversed(range(len(plan.nodes))):
        node = plan.nodes[at]
        following[at] = following[at + 1]
        if node.is_action:
            if not isinstance(node.task, tuple):
                _refuse(at, node, "it is a goal without a method")
            left -= 1
            first[at] = following[at] = left
        if node.parent is not None and first[at] is not None:
            first[node.parent] = first[at]
    return [following[ends[at]] if one is None else one for at, one in enumerate(first)]


def _refuse(at: int, node: Decomposition, why: str, error: BaseException | None = None) -> NoReturn:
    raise UsageError(
        f"node {at}, {show_task(node.task)}, cannot be carried out: {why}",
        hints=("verify_plan tells all that is wrong with a plan",),
    ) from error
