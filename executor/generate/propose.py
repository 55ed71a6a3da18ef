"""From a gap to a contract, from a contract to a candidate, from a counterexample to a repaired candidate."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from executor.check import Candidate
from executor.generate.answers import BodyAnswer, ContractAnswer, SuiteAnswer
from executor.generate.contracts import contract_problems, misfits
from executor.generate.prompt import (
    NO_HINTS,
    Hints,
    body_prompt,
    contract_prompt,
    repair_prompt,
    system_prompt,
    tests_prompt,
)
from executor.model import Message, Model
from executor.told import shortened
from executor.validate import Suite, Written, suite_of
from htn.contract import Contract, check_name
from htn.domain import Domain
from htn.errors import DomainError, GapOpen, UsageError
from htn.failure import Gap

_CONTRACT_ATTEMPTS = 3
_REPAIRS_OF_A_SAMPLE = 100  # so that no two repairs are one question, whichever sample they are of
_Form = TypeVar("_Form", bound=BaseModel)


@dataclass(frozen=True)
class Proposer:
    """Asks one model about one domain."""

    model: Model
    domain: Domain
    on_text: Callable[[str], None] | None = None
    hints: Hints = NO_HINTS

    def contract(self, gap: Gap, untriable: Callable[[Contract], list[str]] = lambda contract: []) -> Contract:
        """Return a contract for the gap that can be used: names, types and places in the state exist.

        A contract that cannot be used goes back with what is wrong, twice. GapOpen when it is still wrong then.
        `untriable` says why a contract that could be used cannot be tried; a declared one is not asked about.
        """
        name, problems = check_name(gap.task[0], "the gap"), list[str]()
        declared = self.domain.operators.get(name)
        if declared and declared.contract is not None:
            if wrong := misfits(declared.contract, self.domain, gap):
                raise DomainError(
                    f"the contract that {self.domain.name} declares for {name} cannot be used: {wrong[0]}"
                )
            return declared.contract
        for _ in range(_CONTRACT_ATTEMPTS):
            answer, _ = self._ask(contract_prompt(self.domain, gap, problems, self.hints), ContractAnswer, "contract")
            data = {"name": name, **answer.model_dump(by_alias=True)}
            try:
                contract = Contract.from_json(data, {*self.domain.variables, *gap.state})
                Contract.from_json(json.loads(json.dumps(contract.to_json(), allow_nan=False)))
                problems = contract_problems(contract, self.domain, gap) or untriable(contract)
            except UsageError as error:
                problems = [" ".join([error.message, *error.hints])]
            except (ValueError, RecursionError) as error:
                problems = [f"it cannot be written as JSON: {error}"]
            if not problems:
                return contract
        raise GapOpen(
            f"the model gave no contract for {gap} that can be used: {shortened(problems[0], 500)}",
            hints=(
                "declare the operator with a contract of your own",
                "describe it, or give an example, in the domain",
            ),
        )

    def body(self, contract: Contract, *, sample: int = 0, language: str = "python") -> Candidate:
        """Return a body for a frozen contract: the sample of this number, independent of the others."""
        question = body_prompt(self.domain, contract, language=language, sample=sample, hints=self.hints)
        answer, author = self._ask(question, BodyAnswer, "body", sample)
        return Candidate(contract, answer.code, language, tuple(answer.packages), author)

    def suite(self, contract: Contract, *, sample: int = 0) -> Suite:
        """Return tests for a frozen contract, written by a call that sees no body. None may be of any use."""
        answer, author = self._ask(tests_prompt(self.domain, contract, sample=sample), SuiteAnswer, "tests", sample)
        tests = [Written(t.arguments, t.reads, t.outputs) for t in answer.tests]
        return suite_of(contract, self.domain.variables, tests, writer=f"{author} #{sample}", model=author)

    def repaired(
        self,
        candidate: Candidate,
        check: str,
        problem: str,
        attempts: Sequence[str],
        *,
        sample: int = 0,
        focus: str = "",
    ) -> Candidate:
        """Return another body, after telling what was wrong with `candidate`."""
        question = repair_prompt(
            self.domain, candidate.contract, code=candidate.code, check=check, problem=problem, attempts=attempts,
            language=candidate.language, focus=focus, packages=candidate.packages,
        )  # fmt: skip
        answer, author = self._ask(question, BodyAnswer, "repair", sample * _REPAIRS_OF_A_SAMPLE + len(attempts))
        return Candidate(candidate.contract, answer.code, candidate.language, tuple(answer.packages), author)

    def _ask(self, question: str, form: type[_Form], purpose: str, sample: int = 0) -> tuple[_Form, str]:
        """Return the answer, and the model that gave it: another one may have stood in for the one that was asked."""
        messages = [Message("system", system_prompt()), Message("user", question)]
        answer = self.model.ask(messages, form, purpose=purpose, sample=sample, seed=sample, on_text=self.on_text)
        return answer.value, f"{answer.call.provider}:{answer.call.model}"
