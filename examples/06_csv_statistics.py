"""Statistics of a CSV file: four years of weather are read, summed up by a step that nobody has written, and told.

python examples/06_csv_statistics.py                       with scripted answers, the first one wrong on purpose
python examples/06_csv_statistics.py --model ollama:NAME   with a real model

The domain is the bundled one, domains/reports.py; the measurements are NOAA's (domains/data/README.md).
"""

import sys

from examples.stage import ROOT, show

SCRIPT = ROOT / "examples" / "demo_answers.json"
COMMANDS = (
    "htn run reports 'report(seattle, wind)'",
    "htn run reports 'report(new_york)' --learn never --quiet",
)

if __name__ == "__main__":
    sys.exit(show(__doc__, SCRIPT, COMMANDS))
