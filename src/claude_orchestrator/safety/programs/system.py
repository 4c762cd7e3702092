"""Privileges, services, processes, storage and the host itself (A7, B2, B8, B10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, custom, row
from claude_orchestrator.safety.values import show
from claude_orchestrator.safety.zones import zone

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO_FLAGS = frozenset(("--version", "-V", "--help", "-h"))


def _informs(walk: Walk, argv: list[str]) -> bool:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
        return True
    return False


def fixed(rule: str, what: str) -> Program:
    """A program that always has one effect, whatever its arguments, except that it may tell its version."""

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if not _informs(walk, argv):
            walk.emit(rule, f"{what}: {show(' '.join(argv))}")
        return None

    return custom(run)


def _stops(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if argv[1:] in (["--help"], ["--version"]):
        walk.emit("S2", f"{argv[0]} informs")
        return None
    if argv[0] == "shutdown" and "-c" in argv:
        walk.emit("A7", "cancels a shutdown")
    else:
        walk.emit("B8", f"stops the host ({argv[0]})")
    return None


def _init(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("B8" if argv[1:2] in (["0"], ["6"]) else "A7", "changes the runlevel")
    return None


_STOPPING = frozenset("poweroff reboot halt kexec soft-reboot".split())


def _systemctl(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if _informs(walk, argv):
        return None
    verbs = [a for a in argv[1:] if a[:1] != "-"]
    stops = verbs[:1] and (verbs[0] in _STOPPING or (verbs[0] in ("start", "isolate") and any(
        verb.removesuffix(".target") in _STOPPING for verb in verbs[1:]
    )))  # fmt: skip
    walk.emit("B8" if stops else "A7", f"controls services: {show(' '.join(argv[1:]))}")
    return None


def _kill(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    arguments = argv[1:]
    if arguments[:1] in (["-l"], ["-L"], ["--list"]):
        walk.emit("S2", "lists signals")
        return None
    targets: list[str] = []
    signal = False
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        index += 1
        if argument == "--":
            targets.extend(arguments[index:])
            break
        if argument in ("-s", "-n", "--signal", "-q", "--queue"):
            index += 1
            signal = True
        elif argument[:1] == "-" and not signal and not targets and (len(arguments) > 1 or not argument[1:].isdigit()):
            signal = True
        else:
            targets.append(argument)
    if any(target in ("1", "-1", "+1", "01", "-01") for target in targets):
        walk.emit("B8", "kills every process, or the first")
    else:
        walk.emit("A7", f"sends a signal to processes: {show(' '.join(targets))}")
    return None


def _mkfs(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if not _informs(walk, argv):
        walk.emit("B2", f"makes a new file system: {show(' '.join(argv))}")
    return None


def _unless(listing: str, rule: str, what: str) -> Program:
    """A program that has an effect unless it is only asked to list."""
    lists = frozenset(listing.split())

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if _informs(walk, argv):
            return None
        asked = len(argv) > 1 and any(a in lists for a in argv[1:])
        walk.emit("A7" if asked or len(argv) == 1 else rule, f"{what}: {show(' '.join(argv))}")
        return None

    return custom(run)


def _only(acting: str, rule: str, what: str) -> Program:
    """A program that has an effect with some options or verbs, and is A7 otherwise."""
    acts = frozenset(acting.split())

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if _informs(walk, argv):
            return None
        hit = any(
            a in acts or (a[:1] == "-" and a[1:2] != "-" and any("-" + letter in acts for letter in a[1:]))
            for a in argv[1:]
        )
        walk.emit(rule if hit else "A7", f"{what}: {show(' '.join(argv))}")
        return None

    return custom(run)


def _formats(verbs: str, what: str) -> Program:
    """A storage tool: a writing verb on a block device is B2."""
    acts = frozenset(verbs.split())

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if _informs(walk, argv):
            return None
        device = any(zone(walk.absolute(a), walk.place) == "BLOCK" for a in argv[1:] if a[:1] == "/")
        hit = not acts or any(a in acts for a in argv[1:])
        walk.emit("B2" if device and hit else "A7", f"{what}: {show(' '.join(argv))}")
        return None

    return custom(run)


_PARTED = "mklabel mktable mkpart mkpartfs rm resizepart resize move name set toggle rescue disk_set disk_toggle"

ROWS: dict[str, Program] = {
    **{name: custom(_stops) for name in "shutdown reboot halt poweroff".split()},
    "kexec": fixed("B8", "starts another kernel"),
    "init": custom(_init),
    "telinit": custom(_init),
    "systemctl": custom(_systemctl),
    "kill": custom(_kill),
    **{
        name: fixed("A7", "acts on processes, services or the system")
        for name in (
            "service pkill killall xkill skill crontab at batch mount umount losetup swapon swapoff rmmod depmod sysctl useradd usermod userdel"
            " adduser deluser groupadd groupmod groupdel passwd chpasswd gpasswd visudo vipw iptables nft ufw firewall-cmd setcap getcap chsh"
            " loginctl hostnamectl timedatectl localectl launchctl vgcreate vgremove lvcreate lvremove e2fsck fsck resize2fs tune2fs debugfs"
            " update-rc.d rc-service eject apachectl nginx supervisorctl pm2 chage newgrp sg nsenter ip ifconfig route pvremove"
        ).split()
    },
    **{
        name: custom(_mkfs)
        for name in (
            "mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs mke2fs mkswap mkdosfs newfs blkdiscard"
        ).split()
    },
    "wipefs": _only("-a --all -af -fa", "B2", "wipes signatures"),
    "fdisk": _unless("-l --list -s -x", "B2", "edits partitions"),
    "cfdisk": _unless("", "B2", "edits partitions"),
    "gdisk": _unless("-l", "B2", "edits partitions"),
    "cgdisk": _unless("", "B2", "edits partitions"),
    "sfdisk": _unless("-l --list -d --dump -J --json -F -V -g -s", "B2", "edits partitions"),
    "sgdisk": _unless("-p --print -i --info -v --verify -L -D -E -F", "B2", "edits partitions"),
    "parted": _only(_PARTED, "B2", "edits partitions"),
    "hdparm": _only(
        "--security-erase --security-erase-enhanced --write-sector --make-bad-sector", "B2", "acts on a disk"
    ),
    "badblocks": _only("-w -n", "B2", "overwrites a disk"),
    "cryptsetup": _formats("luksFormat format erase luksErase reencrypt", "acts on a disk"),
    "pvcreate": _formats("", "acts on a disk"),
    "zpool": _formats("create add attach replace labelclear", "acts on disks"),
    "zfs": fixed("A7", "acts on file systems"),
    "mdadm": _formats("--create -C --zero-superblock --build", "acts on disks"),
    "insmod": fixed("B10", "loads a kernel module"),
    "modprobe": _unless("-r --remove -n --dry-run --show-depends -c --showconfig -D", "B10", "loads a kernel module"),
    "dmesg": row(
        "S1",
        "-dehHkLPrStTuwWx -f,--facility= -l,--level= -s,--buffer-size= --color? --human --kernel --userspace --reltime --ctime --notime --time-format="
        " --decode --follow --nopager --raw --json -J --since= --until= -C,--clear!A7 -c,--read-clear!A7 -D,--console-off!A7 -E,--console-on!A7"
        " -n,--console-level=!A7 -F,--file=read --help --version",
    ),
    "journalctl": row(
        "S1",
        "-aefklmqrx -# -n,--lines? -u,--unit= -p,--priority= -o,--output= -S,--since= -U,--until= -b,--boot? -t,--identifier= -g,--grep= --no-pager --user --system"
        " --list-boots --disk-usage --utc --no-hostname --catalog --reverse --follow --dmesg --all --pager-end --quiet --no-full -D=read --file=read"
        " --vacuum-size=!A7 --vacuum-time=!A7 --vacuum-files=!A7 --rotate!A7 --flush!A7 --sync!A7 --relinquish-var!A7 --setup-keys!A7 --help --version",
        "text*",
    ),
}
