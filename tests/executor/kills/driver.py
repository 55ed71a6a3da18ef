"""One process that drives a run, until it is done or killed: `python -m …driver FOLDER URL RUN PARALLEL [±STEP …]`."""

import sys
from pathlib import Path

from executor.agent import Agent
from executor.load import load_domain
from executor.settings import Settings
from executor.store import open_store
from htn.errors import HtnError

DOMAIN = Path(__file__).with_name("errands.py")
ORDERS = 25


def main(folder: str, url: str, run_id: str, parallel: str, *settled: str) -> int:
    """Begin or go on with a run. `settled` are steps: +KEY was carried out, -KEY was not."""
    settings = Settings.load(
        data_dir=Path(folder), redis_url=url, sandbox="lockdown", learn="never", lease_seconds=1, parallel=int(parallel)
    )
    domain = load_domain(str(DOMAIN))
    try:
        with open_store(redis_url=url, data_dir=Path(folder)) as store:
            known = store.runs().record(run_id) is not None
        with Agent(settings) as agent:
            if known:
                did, redo = ([step[1:] for step in settled if step[0] == sign] for sign in "+-")
                report = agent.resume(run_id, did=did, redo=redo)
            else:
                assert domain.make_state is not None
                report = agent.run(domain, [("all", ORDERS)], domain.make_state(), run_id=run_id)
    except HtnError as error:
        sys.stderr.write(error.trouble.explain() + "\n")
        return error.exit_code
    if report.run is not None and report.run.done:
        return 0
    sys.stderr.write(f"{report.run and report.run.failed}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
