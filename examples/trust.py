"""How an operator comes to be trusted, and how it stops being trusted, in one command.

    python examples/trust.py

No language model takes part. Two stand-ins speak the protocols of two models' servers and give the answers that are
written in examples/trust_answers.json and examples/trust_more_answers.json. Every line that begins with `$` is a
command as you would type it in the project's folder, run in a process of its own. docs/learning.md explains it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from examples.demo import PROGRAM, htn, say
from executor.model.standin import StandIn

ROOT = Path(__file__).parents[1]
DOMAIN = "examples/rain.py"
SPELL = "dry_spell(july)"
SCRIPTED = """\
No language model takes part here. Two stand-ins speak the protocols of Ollama and OpenAI on this machine and give
the answers that are written in examples/trust_answers.json and examples/trust_more_answers.json.
"""


def main() -> int:
    os.chdir(ROOT)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="htn-trust-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        one = stack.enter_context(StandIn(ROOT / "examples" / "trust_answers.json"))
        other = stack.enter_context(StandIn(ROOT / "examples" / "trust_more_answers.json"))
        environment = {**os.environ, "HTN_DATA_DIR": str(folder / "library"), "HTN_MODEL": "ollama:scripted"}
        environment |= {"OLLAMA_ENDPOINT": one.endpoint, "OPENAI_BASE_URL": f"{other.endpoint}/v1"}
        # Scripted answers are given in the order of the questions; three samples are enough to see what happens.
        environment |= {"HTN_MODEL_PARALLEL": "1", "HTN_MOST_SAMPLES": "3"}
        environment.pop("REDIS_URL", None)
        print(SCRIPTED)
        return show(environment) or ask(environment | {"HTN_DATA_DIR": str(folder / "second-library")})


def show(environment: dict[str, str]) -> int:
    say("1. Nobody gave an example. Tests by two writers who saw no code are enough for probation.")
    if htn(environment, "learn", DOMAIN, SPELL) != 0:
        return 1
    say("2. One model that agrees with itself is not enough to be trusted.")
    if htn(environment, "learn", DOMAIN, SPELL, "--deepen") != 0:
        return 1
    say("3. Another model writes bodies and tests as well.")
    if htn(environment, "learn", DOMAIN, SPELL, "--deepen", "--more-models", "openai:another") != 0:
        return 1
    say("4. Why it is believed.")
    htn(environment, "library", "show", "dry_spell")
    say("5. Trusted is not proved: 1461 days are more than its body can take. The run goes on all the same.")
    if htn(environment, "run", DOMAIN, "dry(july, four_years)") != 0:
        return 1
    say("6. What was done, and what is left of it.")
    return htn(environment, "library", "history", "dry_spell")


def ask(environment: dict[str, str]) -> int:
    say("7. In another library, a person decides. Nobody can be asked here, so it waits.")
    if htn(environment, "learn", DOMAIN, SPELL, "--ask", nobody_there=True) != 8:
        return 1
    htn(environment, "proposals", "list")
    listed = [PROGRAM, "proposals", "list", "--json"]
    waiting = json.loads(subprocess.run(listed, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    if htn(environment, "proposals", "admit", waiting[0]["version"][:12], "--why", "I have read it") != 0:
        return 1
    say("Done. Both libraries are thrown away.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
