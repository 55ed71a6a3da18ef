"""A domain written for GTPyhop runs as it is: GTPyhop's own example `simple_htn`, from PyPI, on this planner.

python examples/09_gtpyhop_unchanged.py

It needs the package gtpyhop for its examples (pip install gtpyhop==2.0.2). `import gtpyhop` in them is given
`htn.gtpyhop`, and they check for themselves that each plan is the one they expect. No language model takes part.
"""

import importlib
import sys
from importlib.util import find_spec

import htn.gtpyhop as ours


def main() -> int:
    theirs = find_spec("gtpyhop")
    if theirs is None or not theirs.submodule_search_locations:
        print("the package gtpyhop is not installed: pip install gtpyhop==2.0.2", file=sys.stderr)
        return 7
    # `gtpyhop` is ours, and what it does not have, such as `gtpyhop.examples`, is looked for in theirs.
    ours.__path__ = [*ours.__path__, *theirs.submodule_search_locations]
    sys.modules["gtpyhop"] = ours
    example = importlib.import_module("gtpyhop.examples.simple_htn")
    example.main(do_pauses=False)
    print(f"{example.__name__} of GTPyhop: every plan is the one that it expects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
