"""Network clients (A2): what they send (B6), what they bring and where it goes, shells on the other end (B7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Options, Program, Run, custom, row
from claude_orchestrator.safety.requests import asks_metadata
from claude_orchestrator.safety.values import DEC, NET, SEC, UNK, show, taints, unknown
from claude_orchestrator.safety.zones import secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO_FLAGS = frozenset(("--version", "-V", "--help", "-h", "-version", "--manual", "-M"))
_METADATA = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.2\b|metadata\.google\.internal|metadata\.goog\b|\b2852039166\b|0x0*a9fea9fe|0xa9\.0xfe\.0xa9\.0xfe"
    r"|0251\.0376\.0251\.0376|\[?::ffff:(?:169\.254\.169\.254|a9fe:a9fe)|fd00:ec2::254|100\.100\.100\.200|instance-data\b",
    re.IGNORECASE,
)


def metadata(walk: Walk, text: str) -> None:
    """Emit B6 where a text names an endpoint that hands out a cloud's credentials."""
    hosts = [word for word in text.split() if "://" in word or re.match(r"\[|\d[\w.]*(?:[:/]|$)|%3", word)]
    if (
        _METADATA.search(text)
        or ("[" in walk.source and _METADATA.search(walk.source))
        or any(asks_metadata(host) for host in hosts)
    ):
        walk.emit("B6", "asks a cloud's metadata endpoint, which hands out credentials")


def sends(walk: Walk, argv: list[str], stdin: str | None, skip: frozenset[str] = frozenset()) -> None:
    """Judge what a network program gets: secrets among its arguments, in the files that they name, and on standard input."""
    text = " ".join(argv)
    metadata(walk, text)
    if SEC in text:
        walk.emit("B6", f"sends a secret with {argv[0]}")
    walk.send(stdin)
    for index, argument in enumerate(argv[1:], 1):
        if argv[index - 1] in skip or argument.partition("=")[0] in skip:
            continue
        for piece in re.split(r"[=@<,]", argument) if re.search("[=@<,]", argument) else (argument,):
            _maybe_secret(walk, piece.partition(";")[0].removeprefix("file://").removeprefix("fileb://"))


def _maybe_secret(walk: Walk, piece: str) -> None:
    """A piece of an argument that is the path of a secret, or of a file that this operation filled with one."""
    if not piece or piece[:1] == "-" or unknown(piece) or re.match(r"[\w+.-]+://|[\w.@-]+:", piece):
        return
    full = walk.absolute(piece)
    content = walk.content(full)
    if secret(full, walk.policy) or SEC in (content or ""):
        walk.read(piece)
        walk.emit("B6", f"sends {show(full)} to the network", (full,))


def client(rule: str = "A2", what: str = "uses the network", skip: str = "", after: Run | None = None) -> Program:
    """A network program whose options need no table: it is never safe, only what it sends can make it worse."""
    skipped = frozenset(skip.split())

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if len(argv) == 2 and argv[1] in _INFO_FLAGS:
            walk.emit("S2", f"{argv[0]} informs")
            return None
        walk.emit(rule, f"{argv[0]} {what}: {show(' '.join(argv[1:4]))}")
        sends(walk, argv, stdin, skipped)
        if after is not None:
            after(walk, argv, stdin)
        return UNK + NET if rule == "A2" else UNK

    return custom(run)


# --- curl and wget ----------------------------------------------------------------------------------------------------

_CURL_VALUES = frozenset("A b c C d D e E F H K m o P Q r T t u U w x X y Y z".split())
_CURL_LONG_FLAGS = re.compile(r"--(?:output|upload-file|data[a-z-]*|form[a-z-]*|json|config|cookie-jar|dump-header|output-dir|trace[a-z-]*"
                              r"|cookie|key|cert|cacert|netrc-file|header|url|request|user|stderr|hsts|alt-svc|etag-save|libcurl|proxy)")  # fmt: skip


def _curl_pairs(argv: list[str]) -> list[tuple[str, str]]:
    """A curl command line as pairs of option (without dashes) and value; operands have an empty option."""
    pairs: list[tuple[str, str]] = []
    index = 1
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument[:2] == "--":
            name, equals, value = argument[2:].partition("=")
            if not equals and index < len(argv) and _CURL_LONG_FLAGS.match(argument):
                value = argv[index]
                index += 1
            pairs.append((name, value))
        elif argument[:1] == "-" and len(argument) > 1:
            for position, letter in enumerate(argument[1:], 2):
                if letter in _CURL_VALUES:
                    value = argument[position:]
                    if not value and index < len(argv):
                        value = argv[index]
                        index += 1
                    pairs.append((letter, value))
                    break
                pairs.append((letter, ""))
        else:
            pairs.append(("", argument))
    return pairs


_CURL_BODIES = frozenset("d data data-ascii data-binary data-urlencode data-raw json F form H header b cookie".split())


def _curl(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", "curl informs")
        return None
    pairs = _curl_pairs(argv)
    urls = [value for name, value in pairs if name in ("", "url")]
    walk.emit("A2", f"curl uses the network: {show(' '.join(urls))}")
    text = " ".join(argv)
    metadata(walk, text)
    if SEC in text:
        walk.emit("B6", "sends a secret with curl")
    written = False
    folder = next((value for name, value in pairs if name == "output-dir"), "")
    for name, value in pairs:
        if name in _CURL_BODIES:
            _curl_body(walk, name, value, stdin)
        elif name in ("T", "upload-file"):
            walk.send(stdin if value in ("-", ".") else walk.read(value))
        elif name in ("K", "config"):
            walk.emit("A0", f"curl takes options from {show(value)}")
            walk.send(stdin if value == "-" else None)
        elif name in (
            "o",
            "output",
            "c",
            "cookie-jar",
            "D",
            "dump-header",
            "trace",
            "trace-ascii",
            "stderr",
            "hsts",
            "alt-svc",
            "etag-save",
            "libcurl",
        ):
            if value and value != "-":
                walk.write(f"{folder}/{value}" if folder and name in ("o", "output") else value, UNK + NET)
            written = written or (name in ("o", "output") and value != "-")
        elif name in ("O", "remote-name", "remote-name-all", "J", "remote-header-name"):
            written = True
            for url in urls:
                base = url.partition("?")[0].rstrip("/").rpartition("/")[2]
                if base:
                    walk.write(f"{folder}/{base}" if folder else base, UNK + NET)
        elif name in ("w", "write-out") and "output{" in value:
            walk.emit("A0", "curl writes a file that is not known")
        elif name in ("key", "cert", "E", "netrc-file"):
            walk.read(value)
    for url in urls:
        if url.startswith("file://"):
            walk.read(url[7:])
    return "" if written and not any(name == "" and value == "-" for name, value in pairs) else UNK + NET


def _curl_body(walk: Walk, name: str, value: str, stdin: str | None) -> None:
    """A part of a request that may be taken from a file or from standard input."""
    path = ""
    if name in ("F", "form"):
        body = value.partition("=")[2]
        path = body[1:].partition(";")[0] if body[:1] in ("@", "<") else ""
    elif name == "data-urlencode":
        path = value.partition("@")[2] if "@" in value and "=" not in value.partition("@")[0] else ""
    elif name in ("b", "cookie"):
        path = value if "=" not in value else ""
    elif name != "data-raw" and value[:1] == "@":
        path = value[1:]
    if not path:
        return
    content = stdin if path in ("-", "/dev/stdin") else walk.read(path)
    if name not in ("b", "cookie") or content:
        walk.send(content)


def _wget(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", "wget informs")
        return None
    walk.emit("A2", f"wget uses the network: {show(' '.join(argv[1:4]))}")
    text = " ".join(argv)
    metadata(walk, text)
    if SEC in text:
        walk.emit("B6", "sends a secret with wget")
    document: str | None = None
    folder = ""
    urls: list[str] = []
    index = 1
    while index < len(argv):
        argument = argv[index]
        index += 1
        name, equals, value = argument.partition("=")
        short = (
            re.fullmatch(r"-[a-zA-Z]*?([OPoaietTUQDIRAXBl])(.*)", argument, re.DOTALL) if argument[:2] != "--" else None
        )
        if short and argument[:1] == "-":
            name, value = "-" + short[1], short[2]
            equals = "=" if value else ""
        takes = name in ("-O", "--output-document", "-P", "--directory-prefix", "-o", "--output-file", "-a", "--append-output", "--post-file",
                         "--body-file", "-i", "--input-file", "--post-data", "--body-data", "--header", "--use-askpass", "-e", "--execute",
                         "-t", "-T", "-U", "-Q", "-D", "-I", "-R", "-A", "-X", "-B", "-l", "--load-cookies", "--save-cookies", "--user", "--password")  # fmt: skip
        if takes and not equals and index < len(argv):
            value = argv[index]
            index += 1
        if name in ("-O", "--output-document"):
            document = value
        elif name in ("-P", "--directory-prefix"):
            folder = value
        elif name in ("-o", "--output-file", "-a", "--append-output", "--save-cookies"):
            walk.write(value)
        elif name in ("--post-file", "--body-file"):
            walk.send(walk.read(value))
        elif name in ("-i", "--input-file", "--load-cookies"):
            walk.read(value)
        elif name == "--use-askpass":
            walk.run_text(value, None, "a command of wget")
        elif argument[:1] != "-":
            urls.append(argument)
    if document in ("-", "/dev/stdout"):
        return UNK + NET
    if document is not None:
        walk.write(document, UNK + NET)
        return ""
    for url in urls:
        base = url.partition("?")[0].rstrip("/").rpartition("/")[2] or "index.html"
        walk.write(f"{folder}/{base}" if folder else base, UNK + NET)
    return ""


# --- remote hosts -----------------------------------------------------------------------------------------------------

_LOCAL_COMMAND = re.compile(r"(?:ProxyCommand|LocalCommand|KnownHostsCommand)[= ]\s*(.*)", re.IGNORECASE | re.DOTALL)


def _ssh_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    for index, argument in enumerate(argv):
        text = argument[2:] if argument[:2] == "-o" else argument if index and argv[index - 1] == "-o" else ""
        match = _LOCAL_COMMAND.match(text)
        if match:
            walk.run_text(match[1], None, "a command of ssh")
    return None


def _transfer_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """Commands of a transfer client on its input name the files that it sends."""
    for word in (stdin or "").split():
        _maybe_secret(walk, word)
    return _ssh_extra(walk, argv, stdin)


_REMOTE = re.compile(r"(?:[\w.-]+@)?[\w.\[\]-]+:|\w+://")


def _scp_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    _ssh_extra(walk, argv, stdin)
    operands = [a for a in argv[1:] if a[:1] != "-"]
    if len(operands) >= 2 and not _REMOTE.match(operands[-1]) and any(_REMOTE.match(a) for a in operands[:-1]):
        walk.write(operands[-1], UNK + NET)
        for source in operands[:-1]:
            base = source.rpartition("/")[2].rpartition(":")[2]
            if base and _REMOTE.match(source):
                walk.state.files[walk.absolute(operands[-1].rstrip("/") + "/" + base)] = UNK + NET
    return None


def _nc_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.seen.add("netcat")
    for index, argument in enumerate(argv[1:], 1):
        if argument[:1] != "-":
            continue
        if argument[:2] == "--":
            if argument.startswith(("--exec", "--sh-exec", "--lua-exec")):
                walk.emit("B7", "connects a program to the network")
        elif "e" in argument or ("c" in argument and index + 1 < len(argv) and not argv[index + 1].isdigit()):
            walk.emit("B7", "connects a program to the network")
    return None


def _socat_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    text = " ".join(argv[1:])
    if re.search(r"\b(?:EXEC|SYSTEM|SHELL):", text, re.IGNORECASE):
        online = re.search(r"(?:TCP|UDP|SSL|OPENSSL|SCTP|SOCKS|PROXY|VSOCK)\w*[:-]", text, re.IGNORECASE)
        walk.emit("B7" if online else "A8", "connects a program to a socket")
    for found in re.finditer(r"\b(?:FILE|OPEN|GOPEN|CREATE):([^,\s]+)", text, re.IGNORECASE):
        walk.send(walk.read(found[1]))
    return None


def _telnet_extra(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.seen.add("netcat")
    return None


# --- mail, keys -------------------------------------------------------------------------------------------------------

_OPENSSL_READS = frozenset(
    "enc base64 dgst md5 sha1 sha256 sha384 sha512 x509 asn1parse verify crl rand version ciphers prime list errstr".split()
)
_OPENSSL_FLAGS = frozenset(
    "-d -e -a -A -base64 -nopad -hex -noout -text -subject -issuer -dates -enddate -startdate -fingerprint -serial -pubkey -md5 -sha1 -sha256 -sha384"
    " -sha512 -r -binary -nosalt -salt -p -z -pbkdf2 -aes-256-cbc -aes-128-cbc -aes-256-ctr -help -hexdump -c -n -modulus -hash -email -v".split()
)


def _openssl(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    verb = argv[1] if len(argv) > 1 else ""
    if verb in ("version", "help", "list", "ciphers"):
        walk.emit("S2", "openssl informs")
        return None
    found = taints(stdin)
    decoded = ""
    index = 2
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument in (
            "-in",
            "-inkey",
            "-key",
            "-signkey",
            "-kfile",
            "-CAfile",
            "-CAkey",
            "-cert",
            "-CA",
        ) and index < len(argv):
            found += taints(walk.read(argv[index]))
            index += 1
        elif argument == "-out" and index < len(argv):
            walk.write(argv[index], UNK + DEC + found)
            index += 1
        elif argument in (
            "-k",
            "-pass",
            "-K",
            "-iv",
            "-S",
            "-md",
            "-iter",
            "-inform",
            "-outform",
            "-checkend",
            "-nameopt",
            "-connect",
        ):
            index += 1
        elif argument in _OPENSSL_FLAGS:
            decoded = DEC if argument == "-d" else decoded
        elif argument[:1] == "-":
            walk.emit("A0", f"openssl has an option that is not known: {show(argument)}")
        else:
            found += (
                taints(walk.read(argument)) if verb in ("dgst", "verify", "md5", "sha1", "sha256", "sha512") else ""
            )
    if verb in ("s_client", "s_server", "ocsp", "s_time"):
        walk.emit("A2", "openssl connects to a host")
        walk.send(found)
        walk.seen.add("netcat")
        return UNK + NET
    walk.emit("S1" if verb in _OPENSSL_READS else "A0", f"openssl {verb} reads or makes keys")
    return UNK + found + (decoded or (DEC if verb in ("enc", "base64") else ""))


def _gpg(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", "gpg informs")
        return None
    walk.emit(
        "A2" if any(a in ("--recv-keys", "--send-keys", "--search-keys", "--refresh-keys") for a in argv) else "A5",
        "gpg uses keys",
    )
    decrypts = any(a in ("-d", "--decrypt") or re.fullmatch("-[a-z]*d[a-z]*", a) for a in argv)
    return UNK + taints(stdin) + (DEC if decrypts else "")


def _keygen(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if names & {"l", "B"} and not names - {"l", "B", "E", "f", "v"}:
        walk.emit("S1", "shows a key's fingerprint")
        return None
    walk.emit("A4", "makes or changes keys")
    return None


_SSH_SKIP = "-i -F -E -o -J -S"

ROWS: dict[str, Program] = {
    "curl": custom(_curl),
    "wget": custom(_wget),
    "ssh": client(skip=_SSH_SKIP, after=_ssh_extra),
    "autossh": client(skip=_SSH_SKIP, after=_ssh_extra),
    "sshpass": client(skip=_SSH_SKIP),
    "mosh": client(skip=_SSH_SKIP),
    "scp": client(skip=_SSH_SKIP, after=_scp_extra),
    "sftp": client(skip=_SSH_SKIP, after=_transfer_extra),
    "ftp": client(after=_transfer_extra),
    "lftp": client(after=_transfer_extra),
    "ssh-copy-id": client(skip=_SSH_SKIP),
    **{name: client(after=_nc_extra) for name in "nc ncat netcat nc.traditional nc.openbsd".split()},
    "socat": client(after=_socat_extra),
    "telnet": client(after=_telnet_extra),
    **{
        name: client()
        for name in (
            "tftp ping ping6 dig host nslookup traceroute tracepath mtr nmap whois http https httpie xh aria2c axel rclone s3cmd ab wrk"
            " hey k6 websocat grpcurl ngrok cloudflared tailscale arp arping lynx w3m links elinks yt-dlp youtube-dl smbclient ldapsearch rdesktop"
            " ssh-keyscan croc wormhole magic-wormhole tcpdump ip6tables"
        ).split()
    },
    **{
        name: client("A11", "sends a message")
        for name in "mail mailx sendmail mutt msmtp swaks slack-cli telegram-send".split()
    },
    "openssl": custom(_openssl),
    "gpg": custom(_gpg),
    "ssh-add": client("A5", "reads private keys"),
    "ssh-agent": client("A8", "starts a program"),
    "ssh-keygen": row(
        "A4",
        "-lyeiqvBpcHFRA -t= -b= -f=read -C= -N= -P= -E= -m= -O= -a= -I= -n= -s=read -V= -z=",
        "text*",
        hook=_keygen,
    ),
}
