"""Whatever is done with versions, in whatever order: trust goes up by evidence and by persons, and by nothing else.

A state machine does random deeds on a real store. What it knows itself is naive: which versions exist and what they
name, what was done with each, and the different inputs that each was used on since it last went down.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from executor.library import Library
from executor.store import Store
from executor.versions import Versions
from htn.domain import Domain
from htn.errors import UsageError
from tests.executor.shop import RIGHT
from tests.executor.test_library import entry
from tests.executor.test_watch import HELD, given

NAMES = ("alpha", "beta", "gamma")
IN_PLANS = ("probation", "trusted", "pinned")
AFTER = 2


@dataclass
class Known:
    """What the test has done with a version."""

    name: str
    names: set[str]
    allowed: bool
    broke: bool = False
    forgiven: bool = False
    inputs: set[int] = field(default_factory=set)


class Deeds(RuleBasedStateMachine):
    """Random deeds; `store` is set by the test."""

    store: Store
    count = 0

    def __init__(self) -> None:
        super().__init__()
        Deeds.count += 1
        self.domain = f"d{Deeds.count}"
        self.library = Library(self.store, promote_after=AFTER)
        self.versions = Versions(self.library, self.store)
        self.known: dict[str, Known] = {}
        self.pinned: dict[str, str] = {}
        self.unpinned_to: dict[str, str] = {}

    def pick(self, number: int) -> str:
        return list(self.known)[number % len(self.known)]

    def depending_on(self, name: str) -> set[str]:
        """The versions that name it, or name what names it."""
        found: set[str] = set()
        names = {name}
        while True:
            more = {v for v, k in self.known.items() if k.names & names} - found
            if not more:
                return found
            found |= more
            names |= {self.known[v].name for v in more}

    def go_down(self, version: str, deed: Callable[[], object]) -> None:
        """Do what takes a version down; what depends on it is not trusted at that moment."""
        below = self.depending_on(self.known[version].name) - {version}
        before = {v: self.library.trust(v) for v in self.known}
        deed()
        for each in self.known:
            level = self.library.trust(each)
            if each in below:
                assert level == ("probation" if before[each] == "trusted" else before[each])
                self.known[each].inputs.clear()
                if self.unpinned_to.get(each) == "trusted":
                    self.unpinned_to[each] = "probation"
            elif each != version:
                assert level == before[each]
        self.known[version].inputs.clear()
        assert self.library.trust(version) not in IN_PLANS

    @rule(
        name=st.sampled_from(NAMES), names=st.sets(st.sampled_from(NAMES), max_size=1), number=st.integers(0, 1),
        trust=st.sampled_from(["quarantined", "probation", "trusted"]), allowed=st.booleans(),
    )  # fmt: skip
    def admit(self, name: str, names: set[str], number: int, trust: str, allowed: bool) -> None:
        code = RIGHT.replace("order_total", name) + f"    # {number}\n" + "".join(f"    # {n}\n" for n in sorted(names))
        one = entry(name, domain=self.domain, code=code, learned_for=Domain(self.domain))
        before = self.library.trust(one.version)
        version = self.library.admit(one, trust, [HELD] if allowed else [])
        had = self.known.get(version)
        there = {k.name for k in self.known.values()}
        if had is None:
            self.known[version] = Known(name, (names & there) - {name}, allowed)
        else:
            # Its document stays, and names what it named; but who names what is asked of both.
            had.names |= (names & there) - {name}
            had.allowed = had.allowed or allowed
            if had.broke:
                assert self.library.trust(version) == before
        if before != self.library.trust(version):
            self.known[version].inputs.clear()

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 99), number=st.integers(0, 3))
    def use(self, which: int, number: int) -> None:
        version = self.pick(which)
        one, before = self.known[version], self.library.trust(version)
        promoted = self.library.used(version, given(float(number)))
        if before == "probation" and not one.broke:
            one.inputs.add(number)
        earned = before == "probation" and one.allowed and not one.broke and len(one.inputs) >= AFTER
        assert promoted == earned
        assert self.library.trust(version) == ("trusted" if earned else before)

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 99), number=st.integers(0, 3))
    def violate(self, which: int, number: int) -> None:
        version = self.pick(which)
        one = self.known[version]
        self.go_down(version, lambda: self.library.demote(version, {"detail": "wrong"}, given(float(number))))
        one.broke, one.forgiven = True, False
        kept = self.library.counterexamples(self.domain, one.name)[-1]
        assert (kept.version, kept.state.cart["tea"]) == (version, [float(number)])

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 99))
    def pin(self, which: int) -> None:
        version = self.pick(which)
        name, before = self.known[version].name, self.library.trust(version)
        try:
            self.versions.pin(f"{self.domain}.{name}", version, who="ada", why="checked")
        except UsageError:
            assert self.pinned.get(name, version) != version
            return
        self.pinned[name] = version
        self.known[version].forgiven = True
        if before != "pinned":
            self.unpinned_to[version] = before

    @precondition(lambda self: self.pinned)
    @rule(which=st.integers(0, 99))
    def unpin(self, which: int) -> None:
        name = list(self.pinned)[which % len(self.pinned)]
        version = self.pinned.pop(name)
        was_pinned = self.library.trust(version) == "pinned"
        assert self.versions.unpin(f"{self.domain}.{name}", who="ada", why="no more") == version
        level = self.unpinned_to.pop(version)
        assert self.library.trust(version) == (level if was_pinned else "quarantined")
        self.known[version].forgiven = False

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 99))
    def retire(self, which: int) -> None:
        name = self.known[self.pick(which)].name
        if name in self.pinned:
            return
        current = self.library.current(self.domain, name)
        assert current is not None
        self.go_down(current, lambda: self.versions.retire(f"{self.domain}.{name}", who="ada", why="old", force=True))

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 99))
    def roll_back(self, which: int) -> None:
        version = self.pick(which)
        name = self.known[version].name
        levels = {v: self.library.trust(v) for v in self.known}
        try:
            self.versions.rollback(f"{self.domain}.{name}", version, who="ada", why="better")
        except UsageError:
            assert levels[version] not in IN_PLANS or name in self.pinned
        assert levels == {v: self.library.trust(v) for v in self.known}

    @invariant()
    def what_broke_its_contract_is_in_no_plan_unless_a_person_pinned_it_since(self) -> None:
        used = {operator.version for operator in self.library.operators(self.domain)}
        for version, one in self.known.items():
            if one.broke and not one.forgiven:
                assert self.library.trust(version) not in IN_PLANS
                assert version not in used

    @invariant()
    def only_persons_and_a_broken_contract_change_what_is_pinned(self) -> None:
        for version, one in self.known.items():
            is_pinned = self.pinned.get(one.name) == version and one.forgiven
            assert (self.library.trust(version) == "pinned") == is_pinned

    @invariant()
    def the_pinned_version_is_the_current_one(self) -> None:
        for name, version in self.pinned.items():
            assert self.library.current(self.domain, name) == version


def test_trust_follows_its_rules_whatever_is_done_in_whatever_order(store: Store) -> None:
    Deeds.store = store
    run_state_machine_as_test(
        Deeds,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
