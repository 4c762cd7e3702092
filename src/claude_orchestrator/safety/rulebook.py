"""What the rules are called and mean, for people: the ids of the policy in words."""

from __future__ import annotations

from typing import Final

RULEBOOK: Final[dict[str, tuple[str, str]]] = {
    "B1": (
        "mass destruction",
        (
            "Deleting, moving away or changing the permissions of a whole tree that people need: the root, a system"
            " folder, a home, the workspace itself or a folder above it, any `.git`; also through `find`, `rsync` or an"
            " interpreter."
        ),
    ),
    "B2": ("raw storage", "Writing to a block device, making a file system, editing partitions."),
    "B3": (
        "loss of a database",
        "`DROP DATABASE`, `DROP SCHEMA`, `dropdb`, `FLUSHALL` and their like, sent to a database.",
    ),
    "B4": (
        "rewriting a protected branch",
        "A forced push to, or the deletion of, a protected branch on a remote; every `--mirror` push.",
    ),
    "B5": (
        "running code nobody has seen",
        "Code that is downloaded, decoded, decompressed or put together in the same operation, and then run.",
    ),
    "B6": (
        "giving secrets away",
        "A secret that goes to the network in the same operation, and requests to a cloud's metadata service.",
    ),
    "B7": ("remote shells", "A shell that somebody can reach, or that calls somebody, over the network."),
    "B8": ("stopping the machine", "Shutting down, fork bombs, killing process 1 or everything, the kernel's trigger."),
    "B9": (
        "turning the guard off",
        "Starting an agent that asks nobody, or an agent that approves its own request.",
    ),
    "B10": (
        "privileges that stay",
        "Writing accounts, `sudoers` or `authorized_keys`, setuid bits, containers with the host's root, modules.",
    ),
    "A0": (
        "not understood",
        "What cannot be resolved or is not known: a program, an option, an unknown variable, a line that is no bash.",
    ),
    "A1": ("deletes or empties", "Deleting anything that is not B1, and emptying a file."),
    "A2": ("network", "Any use of the network, also of this machine's own."),
    "A3": ("installs", "Installing, upgrading, or downloading and running packages."),
    "A4": (
        "writes elsewhere",
        (
            "Writing outside the workspace and the temporary folders, or to what only people write: git's own files, CI"
            " files, hooks, settings of agents and editors, secrets."
        ),
    ),
    "A5": ("reads elsewhere", "Reading outside workspace, temporary and system folders, or reading a secret."),
    "A6": ("changes git's state", "Git operations that neither only read nor only record (S5, S6)."),
    "A7": ("privileges and processes", "`sudo`, services, scheduled work, killing processes."),
    "A8": ("runs a program", "A program or script that is no well-known test, lint or build tool; unknown tools."),
    "A9": ("runs code", "Code given to an interpreter that does more than compute and print."),
    "A10": (
        "changes how programs run",
        "Environment variables such as PATH, aliases, traps, shell options, sourced files.",
    ),
    "A11": ("changes things elsewhere", "Mail, chat, payment, deployment, tickets, clouds, databases."),
    "A12": ("hidden characters", "Invisible or look-alike characters outside quotes."),
    "A13": ("infrastructure", "terraform, helm, ansible, pulumi."),
    "S1": ("reads", "Listing, searching, printing, comparing or counting files that are no secrets."),
    "S2": ("information", "Versions, help, the state of the machine."),
    "S3": ("tests, lints, builds", "Well-known test, lint, type-check, format and build tools in the workspace."),
    "S4": ("writes here", "Creating or changing files in the workspace or a temporary folder."),
    "S5": ("git, reading", "Git commands that only look."),
    "S6": ("git, recording", "Adding, committing, creating a branch or a tag, moving tracked files."),
    "S7": ("text", "Printing, testing, arithmetic over known values."),
    "S8": ("harmless environment", "Variables of language, terminal and logging for one command."),
    "S9": ("computing code", "Inline Python that only computes and prints; `awk`, `jq`, `sed` without side effects."),
    "S10": ("tools that read", "Tools of the engine, of file servers and of coding agents that change nothing."),
    "S11": ("readers over listings", "Pure readers over the names that a listing of the workspace gives."),
    "S12": ("waiting", "Waiting, up to ten minutes."),
}
"""Id → name, and what it covers."""
