"""An entry of the library: a learned operator, what it promises, the code that keeps the promise, where it comes from.

Its version is the SHA-256 of its content, so an entry cannot change under its version. What is read back is checked
like anything from outside: its form, and that content and version agree.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.check import Candidate
from executor.sandbox import Program
from htn.contract import Contract, model_of
from htn.domain import Arity, Domain, Operator
from htn.errors import ExecutionError

# From no trust to most; plans use `probation` and above.
TRUST = ("retired", "quarantined", "probation", "trusted", "pinned")


class Provenance(BaseModel):
    """Where an entry comes from.

    `runs_on` is what its body ran on when it was learned, by content (`Sandbox.runs_on`): the images, or the
    interpreter. It is no part of the entry's version: the contract and the evidence are about the code, and a machine
    with another level or image may use the entry, held to its contract at every step. What each rung ran on is in
    the evidence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    model: str
    prompts: str
    calls: int
    repairs: int
    created: str
    seconds: dict[str, float]
    runs_on: str = ""


class Entry(BaseModel):
    """A learned operator: what it promises and the code that keeps the promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    name: str
    contract: dict[str, Any]
    code: str
    language: str
    declared: dict[str, Any] = Field(default_factory=dict)
    """What the domain said of the operator (see `declaration`); empty for one that nobody had declared."""
    examples: list[dict[str, Any]]
    dependencies: dict[str, str] = Field(default_factory=dict)
    """The operators of the library that body or contract name, with the version that each had when this was learned.

    They say what stood beside the entry, and are no part of what it is.
    """
    packages: tuple[str, ...] = ()
    """The packages that the body declares, such as "attrs>=24,<27"."""
    lock: tuple[str, ...] = ()
    """What they came to when it was learned, each pinned to its wheel; it runs with these and no others."""
    edition: int = 0
    """Counts up where the store holds something damaged under the version that this content would have."""
    provenance: Provenance

    @property
    def version(self) -> str:
        """The entry's identity: SHA-256 of its content and of the prompts' version, in hexadecimal.

        What a body without packages does not have is no part of it.
        """
        content = self.model_dump(mode="json", exclude={"provenance", "dependencies"})
        for part in ("packages", "lock"):
            if not content[part]:
                del content[part]
        return content_hash(content | {"prompts": self.provenance.prompts})

    @property
    def specification(self) -> str:
        """The identity of what it was learned from: the declaration and the examples."""
        return content_hash([self.declared, self.examples])

    def canonical(self) -> str:
        """Return the one JSON text of this entry."""
        return _canonical(self.model_dump(mode="json"))

    def promise(self) -> Contract:
        """Return the contract."""
        return Contract.from_json(self.contract)

    def program(self) -> Program:
        """Return the body as the sandbox runs it."""
        return Program(self.code, self.name, self.language, dependencies=self.lock or self.packages)

    def candidate(self) -> Candidate:
        """Return the body as the ladder takes it: with the packages that it was learned with."""
        return Candidate(self.promise(), self.code, self.language, self.lock or self.packages)

    def operator(self) -> Operator:
        """Return what the planner uses: the contract alone."""
        promise = self.promise()
        arity = Arity(tuple(p.name for p in promise.parameters), len(promise.parameters))
        return Operator(
            self.name, arity, model_of(promise), promise.description, promise, promise.parameters, self.version
        )


def declaration(domain: Domain, name: str) -> dict[str, Any]:
    """Return what a domain says of an operator that it leaves to be learned: parameters, description, contract."""
    operator = domain.operators.get(name)
    if operator is None or operator.is_learned:
        return {}
    return {
        "parameters": [{"name": p.name, "type": p.type.to_json()} for p in operator.parameters],
        "description": operator.description,
        "contract": operator.contract.to_json() if operator.contract else None,
    }


def specification(domain: Domain, name: str) -> str:
    """Return the identity of what an entry for `name` would be learned from."""
    return content_hash([declaration(domain, name), [example.to_json() for example in domain.examples_of(name)]])


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=True)


def content_hash(data: Any) -> str:
    """Return the SHA-256 of the one JSON text of some data, in hexadecimal."""
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def read_entry(version: str, document: str) -> Entry:
    """Return the entry that the store keeps as `document` under a version. ExecutionError where it is damaged."""
    try:
        entry = Entry.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        part = ".".join(map(str, first["loc"]))[:80]
        raise ExecutionError(
            f"the library's entry {version[:12]} is damaged: {part and part + ': '}{first['msg'][:200]}",
            hints=("learn it anew: htn learn DOMAIN TASK --again",),
        ) from error
    if entry.version != version:
        raise ExecutionError(
            f"the library's entry {version[:12]}, {entry.domain}.{entry.name:.80}, is not what was admitted: "
            "its content was changed",
            hints=(f"learn it anew: htn learn {entry.domain} '{entry.name}(…)' --again",),
        )
    return entry
