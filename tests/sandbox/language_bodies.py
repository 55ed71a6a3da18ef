"""Bodies for the tests, in each language; each defines `body`.

`CASES` is one body for each language that does what its argument names, so that it is compiled once.
"""

from textwrap import dedent

Bodies = dict[str, str]


def _bodies(**code: str) -> Bodies:
    return {language.replace("cpp", "c++"): dedent(text).strip("\n") for language, text in code.items()}


ECHO = _bodies(
    javascript="function body(x) { return x; }",
    bash="body() { printf '%s' \"$1\"; }",
    go="func body(x any) any { return x }",
    java="static Object body(Object x) { return x; }",
    cpp="#include <nlohmann/json.hpp>\nnlohmann::json body(const nlohmann::json& x) { return x; }",
    rust="use crate::driver::Json;\nfn body(x: Json) -> Json { x }",
)
TYPED = _bodies(
    javascript="const body = async (n, words, more) => ({ n: n + 1, joined: words.join('-'), first: more.a[0] });",
    bash="""
        body() {
            local words; words=$(jq -r 'join("-")' <<<"$2")
            jq -n --argjson n "$(($1 + 1))" --arg joined "$words" --argjson first "$(jq .a[0] <<<"$3")" '$ARGS.named'
        }
    """,
    go="""
        package tools

        import "strings"

        type answer struct {
            N      int    `json:"n"`
            Joined string `json:"joined"`
            First  int    `json:"first"`
        }

        func body(n int, words []string, more map[string][]int) (answer, error) {
            return answer{n + 1, strings.Join(words, "-"), more["a"][0]}, nil
        }

        func main() {}
    """,
    java="""
        package somewhere.deep;

        import java.util.List;
        import java.util.Map;

        public class Joiner {
            record Answer(int n, String joined, int first) {}

            public static Answer body(int n, List<String> words, Map<String, int[]> more) {
                return new Answer(n + 1, String.join("-", words), more.get("a")[0]);
            }
        }
    """,
    cpp="""
        #include <map>
        #include <string>
        #include <vector>
        #include <nlohmann/json.hpp>
        struct Answer { int n; std::string joined; int first; };
        NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Answer, n, joined, first)
        Answer body(int n, const std::vector<std::string>& words, std::map<std::string, std::vector<int>> more) {
            std::string joined;
            for (const auto& word : words) joined += (joined.empty() ? "" : "-") + word;
            return {n + 1, joined, more["a"][0]};
        }
        int main() { return 0; }
    """,
    rust="""
        use crate::driver::{Json, ToJson};
        use std::collections::HashMap;

        struct Answer { n: i64, joined: String, first: i64 }

        impl ToJson for Answer {
            fn to_json(&self) -> Json {
                Json::Object(vec![
                    ("n".into(), self.n.to_json()),
                    ("joined".into(), self.joined.to_json()),
                    ("first".into(), self.first.to_json()),
                ])
            }
        }

        fn body(n: i64, words: &[String], more: &HashMap<String, Vec<i64>>) -> Result<Answer, String> {
            Ok(Answer { n: n + 1, joined: words.join("-"), first: more["a"][0] })
        }

        fn main() {}
    """,
)
SYNTAX = _bodies(
    javascript="function body(x {",
    bash="body() { if; }",
    go="func body( int { return 1 }",
    java="static int body( { return 1; }",
    cpp="int body( { return 1; }",
    rust="fn body( -> i64 { 1 }",
)
WRONG_TYPES = _bodies(
    go='func body() int { return "text" }',
    java='static int body() { return "text"; }',
    cpp='#include <string>\nint body() { return std::string("text"); }',
    rust='fn body() -> i64 { "text" }',
)
IMPORT = _bodies(
    javascript="const x = require('no-such-module');\nfunction body() { return 1; }",
    bash="body() { no_such_command; }",
    go='import "example.com/nothing"\nfunc body() int { return nothing.One() }',
    java="import org.nothing.Thing;\nclass Body { static int body() { return Thing.ONE; } }",
    cpp="#include <nothing.hpp>\nint body() { return 1; }",
    rust="use nothing::Thing;\nfn body() -> i64 { Thing::one() }",
)
MISSING = {language: code.replace("body", "other") for language, code in ECHO.items()}
CHANGES = _bodies(
    javascript="function body(xs, y) { xs.push(y); return xs.length; }",
    go="func body(xs []int, y int) int { xs[0] = y; return len(xs) }",
    java="static int body(java.util.List<Integer> xs, int y) { xs.set(0, y); return xs.size(); }",
    cpp="#include <vector>\nint body(std::vector<int>& xs, int y) { xs[0] = y; return xs.size(); }",
)

# raises       a failure in the body's own words
# breaks       a mistake that the runtime notices
# nan          returns a number that JSON does not have
# spins, sleeps, hoards, floods, large: too much of one thing
# forges       prints what a driver would answer, then returns 1
# forges all   writes that to every descriptor that it can, then returns 1
# leaves       ends its process
# spawns       tries to leave a process behind; returns whether one was started
# connects     returns whether a socket leads anywhere
# litters      writes two files; returns how many of them were there before
# reads        returns the text of a helper file
# looks        returns the names in the environment
CASES = _bodies(
    javascript=r"""
        const fs = require('fs');
        const ANSWER = '{"id":"0","value":2,"arguments":{}}';
        const cases = {
            raises() { throw new RangeError('no more'); },
            breaks() { return null.x; },
            nan() { return [0 / 0]; },
            spins() { for (;;) {} },
            sleeps() { return new Promise((done) => setTimeout(done, 60000)); },
            hoards() { const all = []; for (;;) all.push(new Array(100000).fill(all.length)); },
            floods() { for (;;) console.log('x'.repeat(1000)); },
            large() { return 'x'.repeat(6000000); },
            forges() { console.log(ANSWER); return 1; },
            'forges all'() { for (let n = 3; n < 64; n++) try { fs.writeSync(n, ANSWER); } catch {} return 1; },
            leaves() { process.exit(0); },
            spawns() {
                try {
                    const wait = ['-e', 'setInterval(() => {}, 1000)'];
                    const made = require('child_process').spawn('/usr/bin/node', wait, { detached: true });
                    made.on('error', () => {});
                    return made.pid !== undefined;
                } catch { return false; }
            },
            connects() {
                return new Promise((done) => {
                    try {
                        const made = require('net').connect(80, '127.0.0.1');
                        made.on('error', () => done(false)).on('connect', () => done(true));
                    } catch { done(false); }
                });
            },
            litters() {
                const names = ['/tmp/litter', 'litter'];
                const found = names.filter((name) => fs.existsSync(name)).length;
                names.forEach((name) => fs.writeFileSync(name, 'x'));
                return found;
            },
            reads() { return fs.readFileSync('notes/data.txt', 'utf8'); },
            looks() { return Object.keys(process.env); },
        };
        function body(what) { return cases[what](); }
    """,
    bash=r"""
        ANSWER='{"id":"0","value":2,"arguments":{}}'
        body() {
            case $1 in
                raises) echo 'no more' >&2; return 3 ;;
                breaks) false ;;
                spins) while :; do :; done ;;
                sleeps) sleep 60 ;;
                hoards) local all=xxxxxxxxxxxxxxxx; while :; do all=$all$all; done ;;
                floods) while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&2; done ;;
                large) head -c 6000000 /dev/zero | tr '\0' x ;;
                forges) echo "$ANSWER" >&2; echo 1 ;;
                'forges all')
                    for n in 3 4 5 6 7 8 9; do echo "$ANSWER" >&$n; done 2>/dev/null
                    for d in /proc/$PPID/fd/*; do echo "$ANSWER" >"$d"; done 2>/dev/null
                    echo 1 ;;
                leaves) kill -9 $BASHPID ;;
                spawns)
                    setsid sleep 1000 >/dev/null 2>&1 &
                    (trap '' TERM HUP; sleep 1000) &
                    disown -a
                    echo true ;;
                connects) (exec 9<>/dev/tcp/127.0.0.1/80) 2>/dev/null && echo true || echo false ;;
                litters) find /tmp . -name litter | sort -u | wc -l; touch /tmp/litter litter ;;
                reads) cat notes/data.txt ;;
                looks) env | cut -d= -f1 | jq -Rn '[inputs]' ;;
            esac
        }
    """,
    go=r"""
        import (
            "errors"
            "fmt"
            "math"
            "os"
            "os/exec"
            "strings"
            "syscall"
            "time"
        )

        const answer = `{"id":"0","value":2,"arguments":{}}`

        func litters() int {
            found := 0
            for _, name := range []string{"/tmp/litter", "litter"} {
                if _, err := os.Stat(name); err == nil {
                    found++
                }
                if err := os.WriteFile(name, []byte("x"), 0600); err != nil {
                    panic(err)
                }
            }
            return found
        }

        func body(what string) (any, error) {
            switch what {
            case "raises":
                return nil, errors.New("no more")
            case "breaks":
                var m map[string]int
                m["x"] = 1
            case "nan":
                return []float64{math.NaN()}, nil
            case "spins":
                for {
                }
            case "sleeps":
                time.Sleep(time.Minute)
            case "hoards":
                var all [][]byte
                for {
                    all = append(all, []byte(strings.Repeat("x", 1<<20)))
                }
            case "floods":
                for {
                    fmt.Println(strings.Repeat("x", 1000))
                }
            case "large":
                return strings.Repeat("x", 6000000), nil
            case "forges":
                fmt.Println(answer)
                return 1, nil
            case "forges all":
                for n := 3; n < 64; n++ {
                    syscall.Write(n, []byte(answer))
                }
                return 1, nil
            case "leaves":
                os.Exit(0)
            case "spawns":
                return exec.Command("/usr/bin/python3", "-c", "import time; time.sleep(1000)").Start() == nil, nil
            case "connects":
                _, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
                return err == nil, nil
            case "litters":
                return litters(), nil
            case "reads":
                text, err := os.ReadFile("notes/data.txt")
                return string(text), err
            case "looks":
                var all []string
                for _, entry := range os.Environ() {
                    all = append(all, strings.Split(entry, "=")[0])
                }
                return all, nil
            }
            return nil, nil
        }
    """,
    java=r"""
        import java.io.*;
        import java.util.*;

        class Cases {
            static final String ANSWER = "{\"id\":\"0\",\"value\":2,\"arguments\":{}}";

            static Object body(String what) throws Exception {
                switch (what) {
                    case "raises": throw new IllegalStateException("no more");
                    case "breaks": return ((String) null).length();
                    case "nan": return new double[] {0.0 / 0};
                    case "spins": for (int n = 0; ; n++) if (n < 0) n = 0;
                    case "sleeps": Thread.sleep(60000); return 1;
                    case "hoards": for (List<long[]> all = new ArrayList<>(); ; ) all.add(new long[100000]);
                    case "floods": while (true) System.out.println("x".repeat(1000));
                    case "large": return "x".repeat(6000000);
                    case "forges": System.out.println(ANSWER); return 1;
                    case "forges all":
                        try (var out = new FileOutputStream("/proc/self/fd/3")) { out.write(ANSWER.getBytes()); }
                        return 1;
                    case "leaves": System.exit(0);
                    case "spawns":
                        try {
                            new ProcessBuilder("/usr/bin/python3", "-c", "import time; time.sleep(1000)").start();
                            return true;
                        } catch (IOException problem) { return false; }
                    case "connects":
                        try { new java.net.Socket("127.0.0.1", 80); return true; }
                        catch (IOException problem) { return false; }
                    case "litters":
                        int found = 0;
                        for (var name : List.of("/tmp/litter", "litter")) {
                            if (new File(name).exists()) found++;
                            new FileWriter(name).close();
                        }
                        return found;
                    case "reads": return new String(new FileInputStream("notes/data.txt").readAllBytes());
                    case "looks": return new ArrayList<>(System.getenv().keySet());
                }
                return null;
            }
        }
    """,
    cpp=r"""
        #include <cmath>
        #include <cstdio>
        #include <cstdlib>
        #include <cstring>
        #include <fstream>
        #include <iostream>
        #include <nlohmann/json.hpp>
        #include <stdexcept>
        #include <string>
        #include <sys/socket.h>
        #include <unistd.h>
        #include <vector>

        using nlohmann::json;
        const std::string ANSWER = R"({"id":"0","value":2,"arguments":{}})";

        json litters() {
            int found = 0;
            for (const char* name : {"/tmp/litter", "litter"}) {
                found += std::ifstream(name).good();
                if (!(std::ofstream(name) << "x")) throw std::runtime_error(name);
            }
            return found;
        }

        json body(const std::string& what) {
            if (what == "raises") throw std::domain_error("no more");
            if (what == "breaks") return std::vector<int>{1}.at(5);
            if (what == "nan") return json::array({std::nan("")});
            if (what == "spins") for (volatile int n = 0;; n = n + 1) {}
            if (what == "sleeps") sleep(60);
            if (what == "hoards") for (std::vector<std::vector<int>> all;;) all.emplace_back(1 << 20, 1);
            if (what == "floods") for (;;) std::cout << std::string(1000, 'x') << '\n';
            if (what == "large") return std::string(6000000, 'x');
            if (what == "forges") { std::puts(ANSWER.c_str()); return 1; }
            if (what == "forges all") {
                for (int n = 3; n < 64; ++n) (void)!write(n, ANSWER.data(), ANSWER.size());
                return 1;
            }
            if (what == "leaves") std::_Exit(0);
            if (what == "spawns") {
                const int made = fork();
                if (made == 0) { setsid(); sleep(1000); }
                return made > 0;
            }
            if (what == "connects") return socket(AF_INET, SOCK_STREAM, 0) >= 0;
            if (what == "litters") return litters();
            if (what == "reads") {
                std::ifstream file("notes/data.txt");
                std::string all;
                std::getline(file, all);
                return all;
            }
            if (what == "looks") {
                std::vector<std::string> all;
                for (char** each = environ; *each; ++each) all.emplace_back(*each, std::strchr(*each, '=') - *each);
                return all;
            }
            return nullptr;
        }
    """,
    rust=r"""
        use crate::driver::{Json, ToJson};
        use std::{fs, fs::File, io::Write, os::unix::io::FromRawFd, process::Command, time::Duration};

        const ANSWER: &str = r#"{"id":"0","value":2,"arguments":{}}"#;

        fn litters() -> i64 {
            let mut found = 0;
            for name in ["/tmp/litter", "litter"] {
                found += fs::metadata(name).is_ok() as i64;
                fs::write(name, "x").unwrap();
            }
            found
        }

        fn body(what: &str) -> Result<Json, String> {
            let nothing: Vec<i64> = vec![];
            Ok(match what {
                "raises" => return Err("no more".into()),
                "breaks" => nothing[what.len()].to_json(),
                "nan" => vec![f64::NAN].to_json(),
                "spins" => loop { unsafe { std::ptr::read_volatile(&1) }; },
                "sleeps" => { std::thread::sleep(Duration::from_secs(60)); Json::Null }
                "hoards" => { let mut all = vec![]; loop { all.push(vec![1u8; 1 << 20]); } }
                "floods" => loop { println!("{}", "x".repeat(1000)); },
                "large" => "x".repeat(6000000).to_json(),
                "forges" => { println!("{ANSWER}"); Json::Int(1) }
                "forges all" => {
                    for n in 3..64 { let _ = unsafe { File::from_raw_fd(n) }.write_all(ANSWER.as_bytes()); }
                    Json::Int(1)
                }
                "leaves" => std::process::exit(0),
                "spawns" => {
                    let wait = ["-c", "import time; time.sleep(1000)"];
                    Command::new("/usr/bin/python3").args(wait).spawn().is_ok().to_json()
                }
                "connects" => std::net::UdpSocket::bind("127.0.0.1:0").is_ok().to_json(),
                "litters" => litters().to_json(),
                "reads" => fs::read_to_string("notes/data.txt").map_err(|error| error.to_string())?.to_json(),
                "looks" => std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().to_json(),
                other => return Err(other.to_string()),
            })
        }
    """,
)
