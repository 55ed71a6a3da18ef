"""A batch from Python: eight reports by one agent. The first one meets the gap; the others use what was learned.

python examples/07_batch.py                       with scripted answers, the first one wrong on purpose
python examples/07_batch.py --model ollama:NAME   with a real model

A task that cannot be planned is told, and the batch goes on. Steps of one run that have nothing to do with each other
may be under way at the same time (`parallel`).
"""

import sys
from contextlib import ExitStack

from domains.reports import bundled_tables, reports
from examples.stage import ROOT, prepare
from executor.agent import Agent
from executor.settings import Settings
from htn.failure import Failure

SCRIPT = ROOT / "examples" / "demo_answers.json"
COLUMNS = ("precipitation", "temp_max", "temp_min", "wind", "humidity")


def main() -> int:
    with ExitStack() as stack:
        prepare(stack, __doc__, SCRIPT)
        agent = stack.enter_context(Agent(Settings.load(parallel=2)))
        done = [tell(agent, city, column) for city in ("seattle", "new_york") for column in COLUMNS]
    print(f"{sum(done)} of {len(done)} done")
    return 0 if sum(done) == 8 else 1


def tell(agent: Agent, city: str, column: str) -> bool:
    """Carry one report out, say in a line what came of it, and return whether it was done."""
    state = bundled_tables()
    report = agent.run(reports, [("report", city, column)], state)
    learned = f"; learned: {report.learned[0].contract.name}" if report.learned else ""
    if isinstance(report.result, Failure):
        print(f"{city}, {column}: {report.result.explain().splitlines()[0]}", flush=True)
        return False
    print(f"{city}, {column}: mean {state.statistics[city, column]['mean']:.1f}{learned}", flush=True)
    return report.run is not None and report.run.done


if __name__ == "__main__":
    sys.exit(main())
