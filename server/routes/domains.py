"""/api/v1/domains: what can be planned."""

from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from executor.load import state_from
from htn.domain import Domain, Operator
from htn.errors import HtnError
from server.forms import Told
from server.problems import answer, responses
from server.using import TOKEN, Used

router = APIRouter(prefix="/api/v1/domains", tags=["domains"], dependencies=[TOKEN])
Name = Annotated[str, Path(min_length=1, max_length=128, description="the name of a domain", examples=["travel"])]


class DomainRow(Told):
    """A domain that clients may name."""

    name: str
    tasks: list[str] = Field(description="what can be asked for, with its parameters")
    gaps: list[str] = Field(description="operators that are declared, and that nobody has written")


class DomainsForm(Told):
    """All of them, by name."""

    domains: list[DomainRow]


class OperatorRow(Told):
    """A primitive task. `written` says who has written it; nobody where it is left to be learned."""

    name: str
    parameters: list[str]
    description: str
    written: Literal["by hand", "by nobody", "learned"]
    version: str | None


class MethodRow(Told):
    """A way to do a task."""

    task: str
    name: str
    parameters: list[str]
    description: str


class DomainForm(DomainRow):
    """A domain: its operators, with what was learned for it, its methods, its state variables, its initial state."""

    operators: list[OperatorRow]
    methods: list[MethodRow]
    variables: list[dict[str, Any]]
    state: dict[str, Any] | None = Field(description="the state in which planning starts; null where JSON has none")
    notes: list[str]


@router.get("", response_model=DomainsForm, responses=responses())
async def listed(service: Used) -> Response:
    """List the domains that clients may name: the bundled ones, and those that the service was started with."""
    return answer({"domains": [_row(domain) for _, domain in sorted(service.known.domains.items())]})


@router.get("/{name}", response_model=DomainForm, responses=responses(404))
async def show(name: Name, service: Used) -> Response:
    """Show a domain, with the operators that were learned for it."""
    domain = service.known.get(name)
    usable = await service.do(lambda agent: agent.library.usable(domain))
    known = domain.extended_by(usable.operators)
    return answer(
        _row(domain)
        | {
            "operators": [_operator(operator) for operator in known.operators.values()],
            "methods": [
                {"task": task, "name": m.name, "parameters": list(m.arity.names), "description": m.description}
                for task, methods in (*domain.methods.items(), *domain.goal_methods.items())
                for m in methods
            ],
            "variables": [
                {"name": v.name, "type": v.type.to_json(), "description": v.description}
                for v in domain.variables.values()
            ],
            "state": await to_thread.run_sync(_state, domain, limiter=service.limiter),
            "notes": list(usable.notes),
        }
    )


def _row(domain: Domain) -> dict[str, Any]:
    tasks = [f"{task}({ways[0].arity if ways else ''})" for task, ways in domain.methods.items()]
    tasks += [f"{operator.name}({operator.arity})" for operator in domain.operators.values()]
    return {"name": domain.name, "tasks": tasks, "gaps": [o.name for o in domain.operators.values() if not o.apply]}


def _operator(operator: Operator) -> dict[str, Any]:
    written = "learned" if operator.is_learned else "by hand" if operator.apply else "by nobody"
    return {
        "name": operator.name, "parameters": list(operator.arity.names), "description": operator.description,
        "written": written, "version": operator.version,
    }  # fmt: skip


def _state(domain: Domain) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = state_from(domain).to_json()
    except HtnError:
        return None
    return found
