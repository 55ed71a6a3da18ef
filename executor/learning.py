"""Learn what nobody has written: the verbs `learn` and `deepen`, and what they ask of whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from executor.review import ApprovalNeeded
from executor.services import Services
from htn.domain import Domain
from htn.errors import GapOpen, UsageError, did_you_mean
from htn.failure import Gap
from htn.network import Task, show_task
from htn.state import State

if TYPE_CHECKING:
    from executor.learn import Learned, Learner
    from executor.review import Review, Wait


@dataclass(frozen=True)
class Prompt:
    """What `learn` would ask first, and what it may cost."""

    system: str
    question: str
    model: str
    most_calls: int

    @property
    def tokens(self) -> int:
        """An estimate of the tokens of this first question: a token is about three characters of such text."""
        return (len(self.system) + len(self.question)) // 3


@dataclass
class Learning(Services):
    """Services that learn with each other."""

    def learn(self, domain: Domain, gap: Gap) -> Learned:
        """Close a gap: ask the model, validate, admit. LimitReached when the budget of calls is used up.

        What plans use for it so far is replaced.
        """
        domain.check(gap.state)
        return self._close(domain, gap, instead_of=self.known(domain, str(gap.task[0])))

    def deepen(self, domain: Domain, gap: Gap) -> Learned:
        """Buy the evidence that makes the operator trusted that plans use for this gap. UsageError without one."""
        domain.check(gap.state)
        version = self.known(domain, str(gap.task[0]))
        if version is None:
            raise UsageError(
                f"plans of {domain.name} use no operator {gap.task[0]} that was learned",
                hints=("learn it first, without --deepen",),
            )
        language = self.library.entry(version).language
        return self._settled(lambda: self._learner(domain, gap, None, language).deepen(gap, version))

    def prompt(self, domain: Domain, gap: Gap) -> Prompt:
        """Return what closing a gap would ask first. Nothing is sent."""
        from executor.generate import contract_prompt, system_prompt  # noqa: PLC0415 - see above

        return Prompt(system_prompt(), contract_prompt(domain, gap), self.model.name, self.settings.max_calls)

    def gap_of(self, domain: Domain, task: Task, state: State) -> Gap:
        """Return the gap that `task` is, in a state in which it could be done.

        A name that the domain declares is meant on purpose; a name that nobody has declared is named on purpose
        by whoever learns it, unless it looks like one that was mistyped. UsageError for that, and for a task that
        somebody knows how to do.
        """
        domain.check(state)
        operator = domain.operators.get(str(task[0]))
        if str(task[0]) in domain.methods or (operator and operator.apply and not operator.is_learned):
            raise UsageError(
                f"{domain.name} knows how to do {task[0]} already",
                hints=("learning is for what nobody has written: htn plan shows the gaps",),
            )
        if operator is not None:
            domain.check_typed(task)
        elif hints := did_you_mean(str(task[0]), domain.heads()):
            raise UsageError(
                f"the domain {domain.name} has no task {task[0]}",
                hints=(*hints, f"if a new one is meant, declare it: {domain.name}.declare({task[0]!r}, …)"),
            )
        return Gap(task, (), state.copy(), operator is not None, 0)

    def known(self, domain: Domain, name: str) -> str | None:
        """Return the version of the learned operator `name` that plans use, or None."""
        return self.library.in_plans(domain, name)

    def _close(self, domain: Domain, gap: Gap, *, instead_of: str | None) -> Learned:
        self.listener.gap(gap)
        return self._settled(lambda: self._learner(domain, gap, instead_of).close(gap))

    def _learner(self, domain: Domain, gap: Gap, instead_of: str | None, language: str = "") -> Learner:
        from executor import unadmitted  # noqa: PLC0415 - see above
        from executor.learn import Learner  # noqa: PLC0415 - see above
        from executor.learn_settings import (  # noqa: PLC0415 - see above
            alone_of,
            depth_of,
            hints_of,
            language_of,
            require_language,
        )

        # Whoever learns again wants something else than what an earlier answer brought into the library.
        # Who goes on after code was allowed wants the answer that holds this code.
        again = bool(self.library.versions(domain.name, str(gap.task[0]))) and not self._goes_on
        settings, asks = self.settings, self._approval != "never"
        language = language or language_of(settings, domain, gap)
        require_language(self.sandbox, language)
        return Learner(
            domain,
            self.model.renewed() if again else self.model,
            self._allowed(self.sandbox),
            self.library,
            limits=settings.limits,
            repairs=settings.max_retries - 1,
            depth=depth_of(settings),
            more_models=[model.renewed() if again else model for model in self.more_models],
            language=language,
            alone=alone_of(settings),
            instead_of=instead_of,
            hints=lambda gap: hints_of(self._finder, self._lessons, domain, gap, language, settings.packages.allowed),
            lessons=self._lessons,
            proposals=self.proposals,
            reviewer=(self.reviewer or _nobody) if asks else None,
            on_lost=partial(unadmitted.keep, settings.data_dir),
            on_event=self.listener.learning,
            on_note=self.listener.note,
        )

    def _settled(self, work: Callable[[], Learned]) -> Learned:
        """Do what asks the model, and keep its answers for a later question only where they came to something."""
        try:
            learned = work()
        except GapOpen as error:
            if isinstance(error, ApprovalNeeded) and "code" in error.waits_for:
                self._kept.settle()  # the same answer is wanted when the code is allowed
                if not self.settings.answer_cache:
                    error.hints = (*error.hints, "the model will be asked anew: answers are not kept (answer_cache)")
                raise
            self._kept.forget()
            raise
        if learned.version is None:
            self._kept.forget()  # the same answers would come to nothing again
        else:
            self._kept.settle()
        return learned


def _nobody(review: Review) -> Wait:
    from executor.review import Wait  # noqa: PLC0415 - see above

    return Wait("nobody is there to be asked")


def not_learned(learned: Learned) -> GapOpen:
    """Return the error that says that a gap stayed open, and what would help."""
    return GapOpen(
        f"{show_task(learned.gap.task)} was not learned: {learned.reason}",
        hints=(
            *([learned.question] if learned.question else []),
            "describe it, or give an example of it, in the domain",
            "try another model: --model ollama:NAME",
        ),
    )
