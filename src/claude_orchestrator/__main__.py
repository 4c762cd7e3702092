"""``python -m claude_orchestrator``."""

from claude_orchestrator.cli.entry import main

if __name__ == "__main__":
    main()
