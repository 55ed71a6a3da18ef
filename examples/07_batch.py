"""A batch: six reports from a file. The first one meets the gap; the others use what was learned.

python examples/07_batch.py                       with scripted answers, the first one wrong on purpose
python examples/07_batch.py --model ollama:NAME   with a real model

A request that names its run can be given again: what is done is not done twice, and what was left is gone on with.
"""

import sys

from examples.stage import ROOT, show

SCRIPT = ROOT / "examples" / "demo_answers.json"
COMMANDS = (
    "htn run --batch examples/07_batch.jsonl",
    "htn run --batch examples/07_batch.jsonl",
    "htn library show column_statistics",
)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
