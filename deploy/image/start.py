"""The first program of the container: takes secrets from files and becomes `htn`.

Secrets of Docker and Kubernetes are files. Where NAME_FILE names one, its text becomes the variable NAME, for the names
below and no others. A file that cannot be read ends the container, with exit code 2 as for any wrong setting.
"""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

SECRETS = ("HTN_SERVICE_TOKEN", "REDIS_URL", "LLM_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


def take_secrets(environment: MutableMapping[str, str]) -> None:
    """Put the text of each secret's file into its variable."""
    for name in SECRETS:
        path = environment.pop(f"{name}_FILE", "")
        if not path:
            continue
        if environment.get(name):
            raise SystemExit(f"error[usage]: both {name} and {name}_FILE are set\nhint: leave one of them out")
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SystemExit(f"error[usage]: cannot read the file that {name}_FILE names: {error}") from error
        if not text:
            raise SystemExit(f"error[usage]: the file that {name}_FILE names is empty: {path}")
        environment[name] = text


def main() -> None:
    """Take the secrets, then run `htn` with the words of the container's command."""
    try:
        take_secrets(os.environ)
    except SystemExit as error:
        print(error, file=sys.stderr)  # noqa: T201 - nothing else is loaded that could say it
        sys.exit(2)
    program = Path(sys.executable).with_name("htn")
    os.execv(program, [str(program), *sys.argv[1:]])  # noqa: S606 - our own program, no shell


if __name__ == "__main__":
    main()
