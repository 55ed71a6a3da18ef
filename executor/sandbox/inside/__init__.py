"""What runs inside a sandbox: a supervisor, a zygote that never sees data, and a locked child per call.

    supervisor  all input and output, the deadline, the caps; never runs a body
      zygote    imports the usual modules once; forks; never reads a request
        body    one call: wires its pipes, limits itself, locks itself, runs the code, answers

The same modules serve a container (where the supervisor is process 1) and the lockdown level
(where landlock fences the whole tree). They are sent as source to a bare interpreter, so they
import the standard library and each other, and nothing else. `executor.sandbox.source` sends them.
"""
