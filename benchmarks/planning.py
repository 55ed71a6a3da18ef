"""Planning, side by side with GTPyhop on the same domain functions, and with the bare loop that no planner can beat.

    python benchmarks/planning.py            the table
    python benchmarks/planning.py --json     the same rows as one document
    python benchmarks/planning.py --quick    smaller sizes

Each figure is the least of several runs in a process of its own; ours and GTPyhop's take turns. GTPyhop runs in its
fastest strategy that gives a right answer: the greedy one where nothing has to be taken back, else the faster of
its two that backtrack. `bare` is a loop that calls the operators and methods of the finished plan on plain dicts and
does nothing else. `memory` is the peak of the whole process.
"""

import argparse
import importlib
import importlib.util
import io
import json
import math
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT = 300
EXAMPLE = "example "
# What an unsolved problem of an example adds to its steps, so that one number tells both.
UNSOLVED = -1_000_000
NO_WAY = "no way out"
STRATEGIES = ["iterative_greedy", "iterative_dfs_backtracking", "recursive_dfs"]


@dataclass(frozen=True)
class Case:
    """A problem as plain functions: the same for both planners."""

    operators: Sequence[Callable[..., Any]]
    methods: dict[str, Sequence[Callable[..., Any]]]
    variables: dict[str, dict[Any, Any]]
    tasks: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Row:
    """One line of the table. Seconds; megabytes; None where it was not measured, `note` says why."""

    name: str
    steps: int
    ours: float | None
    gtpyhop: float | None
    bare: float | None
    our_memory: float | None
    gtpyhop_memory: float | None
    strategy: str
    note: str = ""

    @property
    def faster(self) -> float | None:
        """How many times faster than GTPyhop."""
        return self.gtpyhop / self.ours if self.ours and self.gtpyhop else None

    @property
    def over_bare(self) -> float | None:
        """How many times the bare loop."""
        return self.ours / self.bare if self.ours and self.bare else None


def countdown(steps: int, untouched: int = 0) -> Case:
    """A recursive task that does `steps` actions, beside `untouched` further state variables."""

    def step(state: Any, i: int) -> Any:
        state.n["x"] = i
        return state

    def more(state: Any, i: int, n: int) -> Any:
        return [("step", i), ("go", i + 1, n)] if i < n else None

    def done(state: Any, i: int, n: int) -> Any:
        return []

    variables: dict[str, dict[Any, Any]] = {"n": {"x": -1}}
    for block in range(0, untouched, 1000):
        variables[f"v{block}"] = {f"k{i}": i for i in range(min(1000, untouched - block))}
    return Case([step], {"go": [more, done]}, variables, [("go", 0, steps)])


def dead_ends(depth: int) -> Case:
    """A binary tree of choices, of which no leaf is right and no state comes twice."""

    def choose(state: Any, k: int, v: int) -> Any:
        state.v[k] = v
        return state

    def fail(state: Any) -> Any:
        return None

    def zero(state: Any, k: int, n: int) -> Any:
        return [("choose", k, 0), ("try", k + 1, n)] if k < n else [("fail",)]

    def one(state: Any, k: int, n: int) -> Any:
        return [("choose", k, 1), ("try", k + 1, n)] if k < n else None

    return Case([choose, fail], {"try": [zero, one]}, {"v": {-1: -1}}, [("try", 0, depth)])


def blocks(count: int) -> Case:
    """Blocks world by Gupta and Nau's method (1992), as Pyhop's example writes it; random towers, fixed seed."""
    order = list(range(count))
    chance = random.Random(count)  # a reproducible problem, no secret

    def towers() -> dict[Any, Any]:
        chance.shuffle(order)
        pos: dict[Any, Any] = {}
        for at, block in enumerate(order):
            pos[block] = "table" if at == 0 or chance.random() < 0.2 else order[at - 1]
        return pos

    pos, goal = towers(), towers()
    clear = {block: block not in pos.values() for block in pos}

    def pickup(state: Any, b: Any) -> Any:
        if state.pos[b] == "table" and state.clear[b] and state.holding["hand"] is False:
            state.pos[b] = "hand"
            state.clear[b] = False
            state.holding["hand"] = b
            return state
        return None

    def unstack(state: Any, b: Any, c: Any) -> Any:
        if state.pos[b] == c and c != "table" and state.clear[b] and state.holding["hand"] is False:
            state.pos[b] = "hand"
            state.clear[b] = False
            state.holding["hand"] = b
            state.clear[c] = True
            return state
        return None

    def putdown(state: Any, b: Any) -> Any:
        if state.pos[b] == "hand":
            state.pos[b] = "table"
            state.clear[b] = True
            state.holding["hand"] = False
            return state
        return None

    def stack(state: Any, b: Any, c: Any) -> Any:
        if state.pos[b] == "hand" and state.clear[c]:
            state.pos[b] = c
            state.clear[b] = True
            state.holding["hand"] = b if c is None else False
            state.clear[c] = False
            return state
        return None

    def is_done(b: Any, state: Any) -> bool:
        while b != "table":
            if state.pos[b] != goal[b]:
                return False
            b = goal[b]
        return True

    def move_blocks(state: Any) -> Any:
        waiting = None
        for b in goal:
            if not state.clear[b] or is_done(b, state):
                continue
            c = goal[b]
            if c == "table":
                return [("move_one", b, "table"), ("move_blocks",)]
            if is_done(c, state) and state.clear[c]:
                return [("move_one", b, c), ("move_blocks",)]
            if waiting is None and state.pos[b] != "table":
                waiting = b
        return [] if waiting is None else [("move_one", waiting, "table"), ("move_blocks",)]

    def move_one(state: Any, b: Any, dest: Any) -> Any:
        return [("get", b), ("put", b, dest)]

    def get(state: Any, b: Any) -> Any:
        return [("pickup", b)] if state.pos[b] == "table" else [("unstack", b, state.pos[b])]

    def put(state: Any, b: Any, dest: Any) -> Any:
        return [("putdown", b)] if dest == "table" else [("stack", b, dest)]

    variables = {"pos": pos, "clear": clear, "holding": {"hand": False}}
    methods: dict[str, Sequence[Callable[..., Any]]] = {
        "move_blocks": [move_blocks],
        "move_one": [move_one],
        "get": [get],
        "put": [put],
    }
    return Case([pickup, unstack, putdown, stack], methods, variables, [("move_blocks",)])


def cases(quick: bool) -> dict[str, Callable[[], Case]]:
    """Return the problems by name."""
    small = 10 if quick else 1
    found: dict[str, Callable[[], Case]] = {}
    for count in (10, 100, 300, 1000 // small):
        found[f"blocks world, {count} blocks"] = partial(blocks, count)
    for steps in (100, 1000, 10_000, 100_000 // small):
        found[f"count-down, {steps:,} steps"] = partial(countdown, steps)
    for untouched in (100, 1000, 10_000, 100_000 // small, 1_000_000 // small):
        found[f"200 steps beside {untouched:,} variables"] = partial(countdown, 200, untouched)
    for depth in (10, 14 if not quick else 11):
        found[f"{NO_WAY}, 2^{depth} leaves"] = partial(dead_ends, depth)
    return found


def domain_of(case: Case) -> Any:
    """Return the case as a domain of ours."""
    from htn import Domain  # noqa: PLC0415  # each process imports what it measures

    domain = Domain("benchmark")
    for operator in case.operators:
        domain.operator(operator)
    for task, methods in case.methods.items():
        for method in methods:
            domain.method(task)(method)
    return domain


def ours(case: Case) -> Callable[[], int]:
    """Return what plans the case with our planner."""
    from htn import Plan, State, find_plan  # noqa: PLC0415  # each process imports what it measures

    domain = domain_of(case)
    state = State(case.variables)

    def plan() -> int:
        found = find_plan(domain, state, case.tasks)
        return len(found) if isinstance(found, Plan) else -1

    return plan


def theirs(case: Case, strategy: str) -> Callable[[], int]:
    """Return what plans the case with GTPyhop in one of its strategies."""
    with redirect_stdout(io.StringIO()):
        gtpyhop: Any = importlib.import_module("gtpyhop")
        sys.setrecursionlimit(1_000_000)
        domain = gtpyhop.Domain("benchmark")
        gtpyhop.declare_actions(*case.operators)
        for task, methods in case.methods.items():
            gtpyhop.declare_task_methods(task, *methods)
        state = gtpyhop.State("benchmark", **case.variables)

    def plan() -> int:
        with redirect_stdout(io.StringIO()), gtpyhop.PlannerSession(domain=domain, verbose=0, strategy=strategy) as s:
            found = s.find_plan(state, list(case.tasks))
        return len(found.plan) if found.success else -1

    return plan


def bare(case: Case) -> Callable[[], int]:
    """Return the loop that calls the functions of the finished plan, in order, on plain dicts."""
    from htn import Plan, State, find_plan  # noqa: PLC0415  # as above

    domain = domain_of(case)
    found = find_plan(domain, State(case.variables), case.tasks)
    if not isinstance(found, Plan):
        return lambda: -1
    operators = {o.__name__: o for o in case.operators}
    by_name = {m.__name__: m for methods in case.methods.values() for m in methods}
    calls = [
        (operators[node.task[0]] if node.is_action else by_name[str(node.method)], node.task[1:])
        for node in found.nodes
        if isinstance(node.task, tuple)
    ]

    class Plain:
        """The state variables as plain attributes."""

    def loop() -> int:
        state = Plain()
        for name in case.variables:
            setattr(state, name, dict(case.variables[name]))
        started = time.perf_counter()
        for function, arguments in calls:
            function(state, *arguments)
        loop.seconds = time.perf_counter() - started  # type: ignore[attr-defined]  # the copying is not part of it
        return len(found)

    return loop


def examples() -> list[str]:
    """Return the example domains of GTPyhop that hold problems, by their place in its package."""
    spec = importlib.util.find_spec("gtpyhop")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the benchmark needs the package gtpyhop: pip install gtpyhop==2.0.2")
    folder = Path(spec.submodule_search_locations[0]) / "examples"
    found = (".".join(file.parent.relative_to(folder).parts) for file in sorted(folder.rglob("problems.py")))
    return [name for name in found if not name.startswith("memory_tracking")]


def all_problems_of(example: str, planner: str) -> Callable[[], int]:
    """Return what plans every problem of an example domain, and says how many actions all plans have together.

    Ours runs the example itself, under the name that it imports.
    """
    with redirect_stdout(io.StringIO()):
        if planner == "ours":
            module: Any = importlib.import_module("htn.gtpyhop")
            spec = importlib.util.find_spec("gtpyhop")
            assert spec is not None and spec.submodule_search_locations
            module.__path__ = [*module.__path__, *spec.submodule_search_locations]
            sys.modules["gtpyhop"] = module
        else:
            module = importlib.import_module("gtpyhop")
            sys.setrecursionlimit(1_000_000)
        package = importlib.import_module(f"gtpyhop.examples.{example}")
    goal_variable = {"Blocksworld-GTOHP": "on", "Childsnack": "served"}.get(example.rpartition(".")[2])
    work = []
    for name, (state, tasks, *_) in package.get_problems().items():
        wanted = [module.Multigoal(name, **{goal_variable: tasks})] if goal_variable else list(tasks)
        work.append((state, wanted))

    def plan() -> int:
        steps = 0
        strategy = "iterative_dfs_backtracking" if planner == "ours" else planner
        with (
            redirect_stdout(io.StringIO()),
            module.PlannerSession(domain=package.the_domain, verbose=0, strategy=strategy) as session,
        ):
            for state, tasks in work:
                found = session.find_plan(state, tasks)
                steps += len(found.plan) if found.success else UNSOLVED
        return steps

    return plan


def child(name: str, planner: str, quick: bool) -> None:
    """Measure one case with one planner and print the least of several runs."""
    if name.startswith(EXAMPLE):
        run = all_problems_of(name.removeprefix(EXAMPLE), planner)
    else:
        case = cases(quick)[name]()
        run = ours(case) if planner == "ours" else bare(case) if planner == "bare" else theirs(case, planner)
    best, steps, until = math.inf, 0, time.perf_counter() + 2
    for at in range(20):
        started = time.perf_counter()
        steps = run()
        best = min(best, getattr(run, "seconds", time.perf_counter() - started))
        if at >= 2 and time.perf_counter() > until:
            break
        if best > 20:
            break
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": best, "steps": steps, "memory": memory}))


def measured(name: str, planner: str, quick: bool, timeout: float = TIMEOUT) -> dict[str, Any] | None:
    """Return what a process of its own measured, or None where it took too long or ended badly."""
    words = [sys.executable, __file__, "--child", name, planner, *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=True, cwd=ROOT)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def row(name: str, quick: bool) -> Row:
    """Measure one case: ours, GTPyhop, ours again, and the bare loop."""
    is_example = name.startswith(EXAMPLE)
    case_backtracks = is_example or name.startswith(NO_WAY)
    strategies = ["iterative_dfs_backtracking", "recursive_dfs"] if case_backtracks else ["iterative_greedy"]
    strategies = STRATEGIES if is_example else strategies
    first = measured(name, "ours", quick)
    theirs = of_strategies(name, strategies, quick)
    second = measured(name, "ours", quick)
    ran = [(result, strategy) for strategy, result in theirs if result]
    most = max((result["steps"] for result, _ in ran), default=0)
    ran = [(result, strategy) for result, strategy in ran if not is_example or solves_as_many(result["steps"], most)]
    best, strategy = min(ran, key=lambda pair: pair[0]["seconds"]) if ran else (None, "")
    mine = min((r for r in (first, second) if r), key=lambda r: r["seconds"], default=None)
    loop = None if case_backtracks else measured(name, "bare", quick)
    note = "" if best else f"GTPyhop did not finish within {TIMEOUT} s"
    if is_example and mine and mine["steps"] < 0:
        note = f"{unsolved(mine['steps'])} problems have no plan"
        mine["steps"] -= UNSOLVED * unsolved(mine["steps"])
        if best:
            best["steps"] -= UNSOLVED * unsolved(best["steps"])
    if best and mine and best["steps"] != mine["steps"]:
        note = f"GTPyhop's plan has {best['steps']} steps"
    return Row(
        name,
        mine["steps"] if mine else 0,
        mine["seconds"] if mine else None,
        best["seconds"] if best else None,
        loop["seconds"] if loop else None,
        mine["memory"] if mine else None,
        best["memory"] if best else None,
        strategy,
        note,
    )


def of_strategies(name: str, strategies: Sequence[str], quick: bool) -> list[tuple[str, dict[str, Any] | None]]:
    """Measure strategies of GTPyhop; one that takes ten times as long as the fastest so far is not waited for."""
    found: list[tuple[str, dict[str, Any] | None]] = []
    timeout: float = TIMEOUT
    for strategy in strategies:
        result = measured(name, strategy, quick, timeout)
        found.append((strategy, result))
        if result is not None:
            # A process measures up to twenty times, for two seconds or three times.
            timeout = min(timeout, 10 + 30 * result["seconds"])
    return found


def solves_as_many(steps: int, most: int) -> bool:
    """Say whether a strategy solved as many problems of an example as the one that solved the most."""
    return unsolved(steps) == unsolved(most)


def unsolved(steps: int) -> int:
    """Return how many problems a number of steps says were not solved."""
    return -(steps // -UNSOLVED) if steps < 0 else 0


def geometric_mean(factors: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, factors)) / len(factors)) if factors else math.nan


def figure(value: float | None, form: str) -> str:
    """Return a figure, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the rows as one document")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    parser.add_argument("--child", nargs=2, metavar=("CASE", "PLANNER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], given.child[1], given.quick)
        return
    rows = []
    if not given.json:
        print(
            f"{'':44} {'steps':>7} {'ours s':>9} {'GTPyhop s':>10} {'faster':>8} {'× bare':>7} {'MB':>6} {'its MB':>6}"
        )
    names = [*cases(given.quick), *(EXAMPLE + example for example in examples())]
    for name in names:
        one = row(name, given.quick)
        rows.append(one)
        if not given.json:
            print(
                f"{one.name[:44]:44} {one.steps:7,} {figure(one.ours, '9.4f')} {figure(one.gtpyhop, '10.4f')} "
                f"{figure(one.faster, '7.1f')}× {figure(one.over_bare, '7.1f')} {figure(one.our_memory, '6.0f')} "
                f"{figure(one.gtpyhop_memory, '6.0f')}  {one.strategy} {one.note}",
                flush=True,
            )
    mean = geometric_mean([r.faster for r in rows if r.name.startswith(EXAMPLE) and r.faster])
    if not given.json:
        print(f"geometric mean over GTPyhop's example domains: {mean:.1f} times faster")
    if given.json:
        print(json.dumps([asdict(r) | {"faster": r.faster, "over_bare": r.over_bare} for r in rows], indent=2))


if __name__ == "__main__":
    main()
