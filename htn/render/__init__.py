"""Pictures of a plan and of what its actions have to do with each other: text, SVG, Mermaid and DOT.

    of a Plan           text_tree      svg_tree      mermaid_tree      dot_tree
    of Dependencies     text_stages    svg_graph     mermaid_graph     dot_graph

Names come from domains, states and models, so every format writes them as data: nothing in a label can end the label,
add a node or a link, or run. The SVG needs nothing but a browser.
"""

from htn.render.dot import dot_graph, dot_tree
from htn.render.graph import svg_graph
from htn.render.mermaid import mermaid_graph, mermaid_tree
from htn.render.svg import svg_tree
from htn.render.text import text_stages, text_tree

__all__ = [
    "dot_graph",
    "dot_tree",
    "mermaid_graph",
    "mermaid_tree",
    "svg_graph",
    "svg_tree",
    "text_stages",
    "text_tree",
]
