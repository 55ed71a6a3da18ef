"""Where Hypothesis takes its choices from here: the seed, and nothing else.

Of itself Hypothesis also draws constants out of the source of whatever modules happen to be loaded, such as a
user's domain. Then the same seed would give other values in another process.
"""

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

BACKEND = "htn-seed-only"


class SeedOnly(HypothesisProvider):
    """Hypothesis's own choices without the constants of loaded modules."""

    _local_constants = Constants()


AVAILABLE_PROVIDERS[BACKEND] = SeedOnly
