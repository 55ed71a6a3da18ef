"""All hostile programs, by what they attack."""

from tests.hostile.program import Hostile
from tests.hostile.programs.answers import ANSWERS
from tests.hostile.programs.files import FILES
from tests.hostile.programs.kernel import KERNEL
from tests.hostile.programs.languages import LANGUAGES
from tests.hostile.programs.output import OUTPUT
from tests.hostile.programs.processes import PROCESSES
from tests.hostile.programs.resources import RESOURCES
from tests.hostile.programs.runner import RUNNER
from tests.hostile.programs.surroundings import SURROUNDINGS

KINDS: dict[str, tuple[Hostile, ...]] = {
    "Processes, threads and signals": PROCESSES,
    "Time and memory": RESOURCES,
    "Files": FILES,
    "Output": OUTPUT,
    "Answers and descriptors": ANSWERS,
    "The runner and the next call": RUNNER,
    "Network, host and secrets": SURROUNDINGS,
    "The kernel": KERNEL,
    "Other languages": LANGUAGES,
}
