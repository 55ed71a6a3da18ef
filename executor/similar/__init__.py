"""Find the operators of the library that are like one that is wanted.

What comes out is only ever a suggestion, to whoever writes the next operator and to a person. No plan and no step takes
an operator because it is similar: what plans use is decided by name, types and preconditions alone, because a wrong
reuse looks right until it is carried out.

The order, each only among those that are equal by the one before:

1. the name, then the types of the parameters: the same in order, the same in another order, the same number;
2. what an embedding model makes of the text, where there is one: the cosine of the vectors;
3. the words of the text: BM25.

What this does not do: understand. Words miss what was said in other words; that is why an operator's description may
have lines that say when it is of use.
"""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.similar.bm25 import Bm25
    from executor.similar.find import Finder
    from executor.similar.suggestion import Suggestion, known_operators
    from executor.similar.vectors import Embedder
    from executor.similar.wanted import Wanted
else:
    __getattr__ = later(
        __name__,
        {
            "bm25": "Bm25",
            "find": "Finder",
            "suggestion": "Suggestion known_operators",
            "vectors": "Embedder",
            "wanted": "Wanted",
        },
    )

__all__ = ["Bm25", "Embedder", "Finder", "Suggestion", "Wanted", "known_operators"]
