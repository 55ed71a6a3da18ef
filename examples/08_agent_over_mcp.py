"""What an agent does with the planner over MCP: ask for a decomposition, have a gap closed, carry it out, ask why.

    python examples/08_agent_over_mcp.py                       with scripted answers, where no language model is at hand
    python examples/08_agent_over_mcp.py --model ollama:NAME   with a real model

The script stands for the agent: what an agent's model would decide is written down here. It uses the official client
library, as agents do; the server is a process of its own, `htn mcp`.
"""

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

from executor.model.standin import StandIn

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "htn")
ANSWERS = Path(__file__).with_name("demo_answers.json")
TASK = {"domain": "reports", "tasks": ["report(seattle, temp_max)"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a real language model, ollama:NAME; default: scripted answers")
    model = parser.parse_args().model
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="htn-agent-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = {**os.environ, "HTN_DATA_DIR": str(folder)}
        environment.pop("REDIS_URL", None)
        if model:
            environment["HTN_MODEL"] = model
        else:
            standin = stack.enter_context(StandIn(ANSWERS))
            environment |= {"HTN_MODEL": "ollama:scripted", "OLLAMA_ENDPOINT": standin.endpoint}
            print("No language model takes part: a stand-in server gives scripted answers.")
        return 0 if anyio.run(talk, StdioServerParameters(command=PROGRAM, args=["mcp"], env=environment)) else 1


async def talk(server: StdioServerParameters) -> bool:
    async with Client(server, elicitation_callback=person) as client:
        say("What can be asked for?")
        found = await call(client, "list_operators", domain="reports")
        for task in found["tasks"]:
            print(f"{task['name']}({task['parameters'][0]}): {task['description']}")

        say("Ask for a decomposition.")
        planned = await call(client, "plan", **TASK)
        print(planned["tree"])

        say("Somebody has to write that step. Have it written, approved and carried out.")
        ended = await call(client, "run", **TASK, run_id="weather", wait=300)
        while not ended["ended"] and ended["state"] != "waiting":
            ended = await call(client, "run_status", handle="weather", after=ended["last"], wait=300)
        if not ended["ok"]:
            print(ended["error"]["message"], ended["next"])
            return False
        print(ended["changed"][0]["value"])

        say("The same plan again, and why it is as it is.")
        print((await call(client, "plan", **TASK))["tree"])
        for action in (await call(client, "explain", **TASK))["actions"]:
            needed = "; ".join(action["needed_by"]) or "nothing after it"
            print(f"{action['action']} is needed by {needed}")
    return True


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, show what it does meanwhile, and return its answer."""
    result = await client.call_tool(tool, arguments, progress_callback=progress)
    answer = result.structured_content
    assert isinstance(answer, dict)
    return answer


async def progress(progress: float, total: float | None, message: str | None) -> None:
    print(f"  · {message}")


async def person(context: object, params: Any) -> ElicitResult:
    """Decide about what a model wrote. A client shows the form to the person; here the decision is written down."""
    print(f"? {params.message.splitlines()[0]}")
    print("> admit")
    return ElicitResult(action="accept", content={"decision": "admit", "why": "I have read its evidence"})


def say(text: str) -> None:
    print(f"\n── {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
