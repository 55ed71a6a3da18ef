"""The entry point of `htn`: finds the command; nothing else."""

import gc


def main() -> None:
    """Run the command line."""
    # What is imported stays, and to look for garbage among it takes a fifth of a short command. It is looked for
    # again once the command is imported (see LazyGroup.get_command).
    gc.disable()
    from commands import htn  # noqa: PLC0415 - as above

    htn()


if __name__ == "__main__":
    main()
