"""Ask the person behind a client whether something that a model wrote may be admitted (elicitation).

The client shows a form with what is known of it: contract, code, evidence. What the form says is what counts:

| what comes back     | what becomes of it                                   |
|---------------------|------------------------------------------------------|
| accepted: admit     | it is admitted, and the work goes on                 |
| accepted: reject    | it is not, and the same is not offered again         |
| declined, dismissed | nothing was decided: it waits on                     |

In the protocol of 2026 a question is an answer of the call, which the client makes once more with what the person said;
`request_state`, sealed by the library, says which question it was. Before that it is a request to the client.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from mcp.server.elicitation import render_elicitation_schema
from mcp.server.mcpserver import AcceptedElicitation, Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field, ValidationError

from executor.review import Admit, Reject, Review
from htn.errors import visible
from mcp_server.bounds import cut

_KEY = "approval"
_ROUNDS_SINCE = "2026-07-28"
_MOST_ASKED = 8_000


class Approval(BaseModel):
    """What a person decides."""

    decision: Literal["admit", "reject"] = Field(description="Whether plans may use it.")
    why: str = Field("", max_length=500, description="Why; the history of the operator keeps it.")


@dataclass(frozen=True)
class Answered:
    """A question about the work `handle` and its proposal `version`, and what came back; None: nothing was decided.

    `after` is the last event that was told before the question, and `told` how many were.
    """

    handle: str
    version: str
    after: str
    told: int
    decision: Admit | Reject | None = None


def can_ask(context: Context[Any, Any]) -> bool:
    """Say whether the client can show a person a form."""
    capabilities = context.client_capabilities
    asks = capabilities.elicitation if capabilities else None
    if asks is None or (asks.form is None and asks.url is not None):
        return False
    return _in_rounds(context) or context.session.can_send_request


async def ask(context: Context[Any, Any], asked: Answered, review: Review) -> Answered | InputRequiredResult:
    """Ask the person. Where the protocol has rounds, the question is what the call answers."""
    message = question(review)
    if not _in_rounds(context):
        try:
            said = await context.elicit(message, Approval)
        except ValueError:  # what came back is no answer to the form
            return asked
        approval = said.data if isinstance(said, AcceptedElicitation) else None
        return replace(asked, decision=_decision(context, approval))
    form = ElicitRequestFormParams(message=message, requested_schema=render_elicitation_schema(Approval))
    state = json.dumps({key: value for key, value in asdict(asked).items() if key != "decision"})
    return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=form)}, request_state=state)


def answered(context: Context[Any, Any]) -> Answered | None:
    """Return what came back with this call for a question of an earlier round; None where it is the first."""
    if not context.request_state:
        return None
    asked = json.loads(context.request_state)  # it is sealed: only what was written above comes back
    said = (context.input_responses or {}).get(_KEY)
    approval = None
    if isinstance(said, ElicitResult) and said.action == "accept":
        try:
            approval = Approval.model_validate(said.content)
        except ValidationError:
            approval = None
    return Answered(**asked, decision=_decision(context, approval))


def question(review: Review) -> str:
    """Return what the person is told. All of it comes from a model, so it is made visible, and says so."""
    lines = "\n".join(map(visible, review.lines()))
    name = visible(f"{review.entry.domain}.{review.entry.name}")
    return f"Admit {name} to the library? A model wrote what follows; it passed the checks that are listed.\n\n" + cut(
        lines, _MOST_ASKED
    )


def _decision(context: Context[Any, Any], approval: Approval | None) -> Admit | Reject | None:
    if approval is None:
        return None
    who, why = _who(context), visible(approval.why)
    return Admit(None, who, why) if approval.decision == "admit" else Reject(why or "no reason was given", who)


def _who(context: Context[Any, Any]) -> str:
    info = context.session.client_params.client_info if context.session.client_params else None
    return f"the user of {cut(visible(info.name), 60)}" if info else "the user of an MCP client"


def _in_rounds(context: Context[Any, Any]) -> bool:
    version = context.protocol_version
    return version is not None and is_version_at_least(version, _ROUNDS_SINCE)
