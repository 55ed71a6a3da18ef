"""Hostile programs in the other languages, and of each language an ordinary one that must work afterwards.

They run where a sandbox runs the language; where it does not, that is said and counted.
"""

from textwrap import dedent

from executor.sandbox import JSON
from tests.hostile.program import REFUSED, VALUE, Hostile

# An ordinary program by language; its value is 42.
ORDINARY = {
    "javascript": "function body() { return 6 * 7; }\n",
    "bash": "body() { echo $((6 * 7)); }\n",
    "go": "func body() int { return 6 * 7 }\n",
    "java": "static int body() { return 6 * 7; }\n",
    "c++": "int body() { return 6 * 7; }\n",
    "rust": "fn body() -> i64 { 6 * 7 }\n",
}


def _in(language: str, name: str, code: str, *ends: str, value: JSON = REFUSED, seconds: float = 5.0) -> Hostile:
    named = f"{name}, in {language}"
    return Hostile(named, dedent(code).strip() + "\n", ends or (VALUE,), value, seconds=seconds, language=language)


_LOST = ("memory", "killed", "timeout", "runtime")

JAVASCRIPT = (
    _in("javascript", "an endless loop", "function body() { for (;;) {} }", "timeout", seconds=1.0),
    _in("javascript", "memory that grows",
        "function body() { const a = []; for (;;) a.push(new Array(1e6).fill(1)); }", *_LOST),
    _in("javascript", "a program", """
        function body() {
          try { require("child_process").execFileSync("/bin/sh", ["-c", "id"]); return "ran"; }
          catch (error) { return "refused"; }
        }
        """),
    _in("javascript", "a file of the host", """
        function body() {
          try { require("fs").writeFileSync("/htn-hostile-file", "x"); return "written"; }
          catch (error) { return "refused"; }
        }
        """),
    _in("javascript", "poisoned objects", """
        function body() {
          Object.prototype.toJSON = () => "forged";
          Array.prototype.map = String.prototype.split = () => { throw 1; };
          return 7;
        }
        """, "value", "protocol", "runtime", "killed", value=7),
    _in("javascript", "leaving", "function body() { process.exit(0); }", "killed", "runtime", "protocol"),
)  # fmt: skip

BASH = (
    _in("bash", "an endless loop", "body() { while :; do :; done; }", "timeout", seconds=1.0),
    _in("bash", "a fork bomb", "body() { bomb() { bomb | bomb & }; bomb; wait; echo 1; }", *_LOST, "value", "output",
        "protocol", value=1, seconds=1.0),
    _in("bash", "a child that outlives the call", """
        body() { (trap '' TERM HUP; setsid sleep 600 &) >/dev/null 2>&1; echo '"done"'; }
        """, value="done"),
    _in("bash", "the network without a tool", """
        body() { if (exec 3<>/dev/tcp/1.1.1.1/80) 2>/dev/null; then echo '"connected"'; else echo '"refused"'; fi; }
        """),
    _in("bash", "removing everything", """
        body() { rm -rf --no-preserve-root / >/dev/null 2>&1 && echo '"removed"' || echo '"refused"'; }
        """),
)  # fmt: skip

GO = (
    _in("go", "an endless loop", "func body() int { for { } }", "timeout", seconds=1.0),
    _in("go", "memory that grows", """
        func body() int {
            kept := [][]byte{}
            for { block := make([]byte, 1<<24); for i := range block { block[i] = 1 }; kept = append(kept, block) }
        }
        """, *_LOST),
    _in("go", "a program", """
        import "os/exec"
        func body() string {
            if exec.Command("/bin/sh", "-c", "id").Run() != nil { return "refused" }
            return "ran"
        }
        """),
    _in("go", "a connection", """
        import ("net"; "time")
        func body() string {
            if _, err := net.DialTimeout("tcp", "1.1.1.1:80", time.Second/2); err != nil { return "refused" }
            return "connected"
        }
        """),
    _in("go", "a signal to process 1", """
        import "syscall"
        func body() string {
            if syscall.Kill(1, 9) != nil { return "refused" }
            return "sent"
        }
        """),
)  # fmt: skip

JAVA = (
    _in("java", "an endless loop", "static int body() { while (true) Thread.onSpinWait(); }", "timeout", seconds=2.0),
    _in("java", "memory that grows", """
        static int body() {
            var kept = new java.util.ArrayList<byte[]>();
            while (true) kept.add(new byte[1 << 24]);
        }
        """, *_LOST),
    _in("java", "a program", """
        static String body() {
            try { Runtime.getRuntime().exec(new String[] {"/bin/sh", "-c", "id"}).waitFor(); return "ran"; }
            catch (Exception error) { return "refused"; }
        }
        """),
    _in("java", "a connection", """
        static String body() {
            try { new java.net.Socket("1.1.1.1", 80).close(); return "connected"; }
            catch (java.io.IOException error) { return "refused"; }
        }
        """),
    _in("java", "leaving", "static int body() { System.exit(0); return 1; }", "killed", "runtime", "protocol"),
)  # fmt: skip

CPP = (
    _in("c++", "an endless loop", "int body() { volatile int i = 0; for (;;) i = i + 1; }", "timeout", seconds=1.0),
    _in("c++", "a crash", "int body() { volatile int *nothing = nullptr; return *nothing = 7; }", "killed", "runtime"),
    _in("c++", "a fork bomb", """
        #include <string>
        #include <unistd.h>
        std::string body() {
            for (int i = 0; i < 100; i++) if (fork() >= 0) return "forked";
            return "refused";
        }
        """),
    _in("c++", "a connection", """
        #include <string>
        #include <sys/socket.h>
        std::string body() { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? "refused" : "opened"; }
        """),
    _in("c++", "memory that grows", """
        #include <cstdlib>
        #include <cstring>
        int body() { for (;;) { void *p = malloc(1 << 24); if (!p) abort(); memset(p, 1, 1 << 24); } }
        """, *_LOST),
)  # fmt: skip

RUST = (
    _in("rust", "an endless loop", "fn body() -> i64 { loop { std::hint::spin_loop(); } }", "timeout", seconds=1.0),
    _in("rust", "memory that grows", """
        fn body() -> i64 {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            loop { kept.push(vec![1u8; 1 << 24]); }
        }
        """, *_LOST),
    _in("rust", "a program", """
        fn body() -> String {
            match std::process::Command::new("/bin/sh").arg("-c").arg("id").status() {
                Ok(_) => "ran".to_string(), Err(_) => "refused".to_string(),
            }
        }
        """),
    _in("rust", "a connection", """
        fn body() -> String {
            let wait = std::time::Duration::from_millis(500);
            match std::net::TcpStream::connect_timeout(&"1.1.1.1:80".parse().unwrap(), wait) {
                Ok(_) => "connected".to_string(), Err(_) => "refused".to_string(),
            }
        }
        """),
    _in("rust", "leaving", "fn body() -> i64 { std::process::exit(0) }", "killed", "runtime", "protocol"),
)  # fmt: skip

LANGUAGES: tuple[Hostile, ...] = (*JAVASCRIPT, *BASH, *GO, *JAVA, *CPP, *RUST)
