"""The entry point of `htn`: finds the command; nothing else."""

from commands import htn


def main() -> None:
    """Run the command line."""
    htn()


if __name__ == "__main__":
    main()
