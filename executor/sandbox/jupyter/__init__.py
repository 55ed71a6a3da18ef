"""Stateful kernels: cells that share their variables, with outputs of many kinds.

    output     what a cell shows, as typed values
    kernel     what a kernel is, and what comes of a cell
    bridge     runs beside a kernel, in its container: `jupyter_client` on one side, lines of JSON on the other
    piped      a kernel at the other end of such lines: in a container (the default), or a plain process
    image      the sandbox's image with the kernel's packages beside it
    attached   a kernel of a Jupyter server that somebody else runs

The kernel's own protocol needs sockets, and a container of ours has no network and no mounts. So the client is in the
container with its kernel, and what passes the wall is one stream of lines, attached before the container starts.

What this does NOT do: separate one cell from the next. To share is what a kernel is for; a cell can change anything
for the cells after it, and can say what it likes about its own outputs. A body that becomes an operator never runs
here.
"""

from executor.sandbox.jupyter.attached import attach_kernel
from executor.sandbox.jupyter.kernel import Cell, Kernel, run_cells
from executor.sandbox.jupyter.output import Error, Html, Image, Json, Latex, Output, Stream, Text
from executor.sandbox.jupyter.piped import open_kernel

__all__ = [
    "Cell",
    "Error",
    "Html",
    "Image",
    "Json",
    "Kernel",
    "Latex",
    "Output",
    "Stream",
    "Text",
    "attach_kernel",
    "open_kernel",
    "run_cells",
]
