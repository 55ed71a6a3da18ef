"""What the numbered examples share: commands as they are typed, and scripted answers where no model is at hand."""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

from executor.model.standin import StandIn

ROOT = Path(__file__).parents[1]
SCRIPTED = "No language model takes part: a stand-in speaks Ollama's protocol and gives the answers that {} holds."
Answers = Path | dict[str, Any]


def answers(contract: dict[str, Any], *bodies: str) -> Answers:
    """Return a script of the stand-in: a contract, and bodies in the order in which they are asked for."""
    codes = [{"json": {"code": dedent(body).lstrip(), "explanation": "Written by hand."}} for body in bodies]
    contracts = [{"json": contract}]
    return {
        "model": "scripted",
        "note": "Answers written by hand for an example. No language model said any of this.",
        "answers": [
            {"when": {"schema": "ContractAnswer"}, "replies": contracts},
            {"when": {"schema": "BodyAnswer"}, "replies": codes},
        ],
    }


def prepare(stack: ExitStack, about: str | None, script: Answers) -> None:
    """Set the stage until the stack ends: an empty library, and a stand-in unless `--model` names a model."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a real language model, ollama:NAME; default: scripted answers")
    model = parser.parse_args().model
    os.chdir(ROOT)
    folder = tempfile.mkdtemp(prefix="htn-")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["HTN_DATA_DIR"] = folder
    os.environ.pop("REDIS_URL", None)
    if model:
        os.environ["HTN_MODEL"] = model
        return
    standin = stack.enter_context(StandIn(script))
    os.environ |= {"HTN_MODEL": "ollama:scripted", "OLLAMA_ENDPOINT": standin.endpoint}
    holder = script.relative_to(ROOT) if isinstance(script, Path) else "this file"
    print(SCRIPTED.format(holder), flush=True)


def show(about: str | None, script: Answers, commands: Sequence[str]) -> int:
    """Show commands as they are typed in the project's folder, and run them; return the first exit code but 0."""
    from commands import htn  # noqa: PLC0415 - a domain's file is read by htn itself

    with ExitStack() as stack:
        prepare(stack, about, script)
        for line in commands:
            print(f"\n$ {line}", flush=True)
            try:
                htn.main(shlex.split(line)[1:])
            except SystemExit as ended:
                if ended.code:
                    return int(ended.code)
            sys.stdout.flush()
    return 0
