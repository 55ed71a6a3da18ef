"""How a step gets to whoever carries it out: to a worker on some machine, or to a thread of this process.

A transport promises little: what is dispatched may get lost, come late, or come twice. The guard (see `executor.guard`)
and the coordinator (see `executor.coordinate`) make up for it.
"""

from executor.transport.protocol import Transport, Work
from executor.transport.threads import Threads

__all__ = ["Threads", "Transport", "Work"]
