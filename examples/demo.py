"""The main job on real input: plan, meet a gap, have the missing step written, validate it, keep it, reuse it.

    python examples/demo.py                       with scripted answers, where no language model is at hand
    python examples/demo.py --model ollama:NAME   with a real model

Every line that begins with `$` is a command as you would type it, run in a process of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import ExitStack
from pathlib import Path

from executor.model.standin import StandIn

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "htn")
ANSWERS = Path(__file__).with_name("demo_answers.json")
SCRIPTED = """\
No language model takes part in this demo. A stand-in server speaks Ollama's protocol on this machine and
gives the answers that are written in {answers}, one of them wrong on purpose.
With a real model: make demo MODEL=ollama:NAME
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a real language model, ollama:NAME; default: scripted answers")
    model = parser.parse_args().model
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="htn-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = {**os.environ, "HTN_DATA_DIR": str(folder / "library")}
        environment.pop("REDIS_URL", None)
        if model:
            environment["HTN_MODEL"] = model
        else:
            standin = stack.enter_context(StandIn(ANSWERS))
            environment |= {"HTN_MODEL": "ollama:scripted", "OLLAMA_ENDPOINT": standin.endpoint}
            print(SCRIPTED.format(answers=os.path.relpath(ANSWERS)))
        return show(environment)


def show(environment: dict[str, str]) -> int:
    say("1. A plan stops where nobody knows how to go on.")
    if htn(environment, "plan", "reports", "report(seattle, temp_max)") != 5:
        return 1
    say("2. The gap is closed, with evidence, and the plan is carried out.")
    if htn(environment, "run", "reports", "report(seattle, temp_max)") != 0:
        return 1
    say("3. What was learned, and why it is believed.")
    htn(environment, "library", "show", "column_statistics")
    say("4. A new process, another file, another column, and no model: nothing listens where it was.")
    without_model = {**environment, "OLLAMA_ENDPOINT": "127.0.0.1:9"}
    if htn(without_model, "run", "reports", "report(new_york, precipitation)") != 0:
        return 1
    say("Done. The library of this demo is thrown away; yours would keep the operator.")
    return 0


def say(text: str) -> None:
    print(f"\n── {text}", flush=True)


def htn(environment: dict[str, str], *words: str, nobody_there: bool = False) -> int:
    """Show a command, run it and return its exit code. With `nobody_there` it finds no terminal to ask at."""
    typed = " ".join(f"'{word}'" if set(word) & set("( ") else word for word in words)
    print(f"\n$ htn {typed}", flush=True)
    stdin = subprocess.DEVNULL if nobody_there else None
    return subprocess.run([PROGRAM, *words], env=environment, stdin=stdin, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
