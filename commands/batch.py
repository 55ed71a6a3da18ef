"""htn run --batch: many runs from a file, and what is told of them."""

from pathlib import Path

from commands.output import Outcome, note, tell
from executor.agent import Agent, Listener
from executor.batch import Answer, Batch, read_requests
from executor.settings import Settings

_AT_ONCE = 8  # runs under way at a time where workers carry out the steps


def run_batch(
    outcome: Outcome, path: Path, settings: Settings, at_once: int | None, *, level: str | None, mode: str | None
) -> int:
    """Carry out the requests of a file, and return the worst exit code. With --json a line is written for each."""
    requests = read_requests(path)
    worst, ended = 0, 0
    with Agent(settings, Listener(note=note)) as agent:
        batch = Batch(agent, at_once or (_AT_ONCE if settings.distributed else settings.parallel), note, level, mode)
        for answer in batch.run(requests):
            worst, ended = max(worst, answer.exit_code), ended + 1
            if outcome.as_json:
                outcome.line(answer.to_json())
            else:
                outcome.show(_told(answer))
            tell(f"{ended} of {len(requests)}")
    return worst


def _told(answer: Answer) -> str:
    where = f"line {answer.request.line}, run {answer.request.run_id}"
    if answer.trouble is not None:
        return f"{where}: {answer.trouble.explain().splitlines()[0]}"
    return f"{where}: done {'before' if answer.again else ''}".rstrip() + f", {answer.steps} steps"
