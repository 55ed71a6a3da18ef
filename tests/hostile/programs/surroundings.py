"""Programs that look for the network, the host, its engine and its secrets."""

from tests.hostile.program import REFUSED, Hostile, program, tries


def connects(name: str, host: str, port: int) -> Hostile:
    """Return a program that opens a connection."""
    return tries(name, f"socket.create_connection(({host!r}, {port}), 0.5)", "import socket")


def opens(name: str, family: str, kind: str, protocol: str = "0") -> Hostile:
    """Return a program that opens a socket."""
    return tries(name, f"socket.socket(socket.{family}, socket.{kind}, {protocol})", "import socket")


def told(name: str, path: str, place: str) -> Hostile:
    """Return a program that looks for something of the host in a file. A host without it has nothing to tell."""
    code = """
def body(path, wanted):
    try:
        with open(path) as file:
            return "told" if wanted and wanted in file.read() else "refused"
    except OSError:
        return "refused"
"""
    return Hostile(name, code, arguments={"path": path, "wanted": place})


SURROUNDINGS: tuple[Hostile, ...] = (
    connects("a connection to an address", "1.1.1.1", 80),
    connects("a connection by IPv6", "2606:4700:4700::1111", 80),
    connects("the cloud's metadata", "169.254.169.254", 80),
    connects("the host by its gateway", "172.17.0.1", 22),
    connects("the host by its name", "host.docker.internal", 80),
    tries("a port of the host", "socket.create_connection(('127.0.0.1', port), 0.5)", "import socket", port="the port"),
    tries("a port of the host by its own address", "socket.create_connection((address, port), 0.5)", "import socket",
          address="the address", port="the port"),
    tries("a socket of the host without a file", "s.connect(chr(0) + hidden)",
          "import socket\ns = socket.socket(socket.AF_UNIX)", hidden="the abstract socket"),
    tries("a socket of the host with a file", "s.connect(path)",
          "import socket\ns = socket.socket(socket.AF_UNIX)", path="the unix socket"),
    tries("a name by DNS", "socket.getaddrinfo('example.org', 80)", "import socket"),
    tries("a datagram to a name server", "s.sendto(b'x', ('8.8.8.8', 53))",
          "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"),
    tries("a page of the web", "urllib.request.urlopen('http://example.org', timeout=0.5)", "import urllib.request"),
    tries("a server of its own", "socket.create_server(('0.0.0.0', 0))", "import socket"),
    opens("a raw socket", "AF_INET", "SOCK_RAW", "socket.IPPROTO_ICMP"),
    opens("a socket for whole frames", "AF_PACKET", "SOCK_RAW"),
    opens("a socket to the kernel", "AF_NETLINK", "SOCK_RAW"),
    opens("a socket of the file system", "AF_UNIX", "SOCK_STREAM"),
    opens("a socket to the hypervisor", "AF_VSOCK", "SOCK_STREAM"),
    opens("a socket to the kernel's ciphers", "AF_ALG", "SOCK_SEQPACKET"),
    tries("a pair of sockets", "socket.socketpair()", "import socket"),
    tries("an event loop", "asyncio.new_event_loop()", "import asyncio"),
    tries("Docker's socket", "open('/var/run/docker.sock')"),
    tries("a connection to Docker's socket", "s.connect('/var/run/docker.sock')",
          "import socket\ns = socket.socket(socket.AF_UNIX)"),
    tries("containerd's socket", "open('/run/containerd/containerd.sock')"),
    tries("the token of a cluster", "open('/var/run/secrets/kubernetes.io/serviceaccount/token').read()"),
    program("the environment", "import os\ndef body(): return dict(os.environ)", value={}),
    program("the environment of the C library", """
        def body():
            try:
                import ctypes
            except ImportError:
                return "refused"
            environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
            return "refused" if not environ or environ[0] is None else environ[0].decode()
        """, value=REFUSED),
    program("the environment where the stack begins", """
        import os
        def body(secret):
            try:
                with open("/proc/self/environ", "rb") as file:
                    return "leak" if secret.encode() in file.read() else "refused"
            except OSError:
                return "refused"
        """, value=REFUSED, secret="the secret"),
    program("the command lines of others", """
        import os
        def body(mark):
            try:
                numbers = [name for name in os.listdir("/proc") if name.isdigit()]
            except OSError:
                return "refused"
            for number in numbers:
                try:
                    with open(f"/proc/{number}/cmdline", "rb") as file:
                        if mark.encode() in file.read(): return number
                except OSError:
                    continue
            return "refused"
        """, value=REFUSED, mark="the command line"),
    program("a folder of the host among the mounts", """
        ALLOWED = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
        def body():
            try:
                with open("/proc/self/mountinfo") as file:
                    mounts = [line.split() for line in file]
            except OSError:
                return "refused"
            kept = ("/proc", "/sys", "/dev")
            odd = [m[4] for m in mounts if m[4] != "/" and m[3] != "/" and not m[4].startswith(kept)]
            return sorted(set(odd) - ALLOWED) or "refused"
        """, value=REFUSED),
    program("a mount that can be written", """
        def body():
            try:
                with open("/proc/self/mountinfo") as file:
                    mounts = [line.split() for line in file]
            except OSError:
                return "refused"
            kept = ("/proc", "/sys", "/dev", "/tmp")
            return [m[4] for m in mounts if m[5].startswith("rw") and not m[4].startswith(kept)] or "refused"
        """, value=REFUSED),
    told("where the engine keeps its images", "/proc/self/mountinfo", "the engine's folder"),
    told("the parameters with which the kernel was started", "/proc/cmdline", "the kernel's parameters"),
    told("the name server of the host", "/etc/resolv.conf", "the name server"),
    told("the name of the host", "/etc/hosts", "the host's name"),
    program("privileges", """
        import os
        def body():
            try:
                with open("/proc/self/status") as file:
                    facts = dict(line.split(":", 1) for line in file)
            except OSError:
                return "refused"
            sound = (int(facts["CapEff"], 16), int(facts["CapBnd"], 16), int(facts["NoNewPrivs"])) == (0, 0, 1)
            return "refused" if sound and int(facts["Seccomp"]) == 2 else facts
        """, value=REFUSED),
    program("modules that are installed on the host", """
        import sys
        def body(folder):
            sys.path.append(folder)
            try:
                import pytest
            except ImportError:
                return "refused"
            return pytest.__file__
        """, value=REFUSED, folder="the packages"),
    program("being root", """
        def body():
            try:
                import os
                os.setuid(0)
            except (OSError, AttributeError):
                return "refused"
            return os.getuid()
        """, value=REFUSED),
)  # fmt: skip
