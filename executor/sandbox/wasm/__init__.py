"""The wasm level: CPython compiled to WebAssembly, in a worker process that is replaced when it fails.

sandbox   the host's end: starts workers and describes the level
worker    a process that runs WebAssembly and nothing else; speaks the wire of `inside.supervisor`
"""

from executor.sandbox.wasm.sandbox import WasmSandbox, wasm_version

__all__ = ["WasmSandbox", "wasm_version"]
