"""Which packages a project says that it needs, whether they are installed or not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_FILES: Final = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(py|cfg)|tox\.ini|noxfile\.py|Pipfile|environment\.ya?ml|"
    r"[\w.-]*(requirements|constraints)[\w.-]*\.(txt|in)|(requirements|reqs)/[^/]+\.(txt|in))$"
)
_REQUIREMENT: Final = re.compile(r"^\s*['\"-]*\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAYS_NEED: Final = re.compile(r"depend|require|extras|dev|groups|deps")
_KNOWN: Final = {
    "yaml": "pyyaml", "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "sklearn": "scikit-learn",
    "cv2": "opencv-python", "PIL": "pillow", "attr": "attrs", "attrs": "attrs", "dotenv": "python-dotenv",
    "jwt": "pyjwt", "OpenSSL": "pyopenssl", "Crypto": "pycryptodome", "skimage": "scikit-image", "git": "gitpython",
    "serial": "pyserial", "usb": "pyusb", "magic": "python-magic", "docx": "python-docx", "zmq": "pyzmq",
    "MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "google": "google-api-core", "pkg_resources": "setuptools",
    "mpl_toolkits": "matplotlib", "pylab": "matplotlib", "markdown": "markdown", "slugify": "python-slugify",
    "multipart": "python-multipart", "jose": "python-jose", "socks": "pysocks", "win32api": "pywin32",
    "win32con": "pywin32", "pythoncom": "pywin32", "gi": "pygobject", "fitz": "pymupdf", "lzma": "backports-lzma",
    "grpc": "grpcio", "_pytest": "pytest", "py": "pytest", "memcache": "python-memcached", "ldap": "python-ldap",
    "telegram": "python-telegram-bot", "rest_framework": "djangorestframework", "Xlib": "python-xlib",
}  # fmt: skip


def says_dependencies(path: str) -> bool:
    """Whether a file may declare what the project needs."""
    return bool(_FILES.search(path))


def declared(files: Mapping[str, bytes]) -> frozenset[str]:
    """The packages that those files name, in one spelling."""
    found: set[str] = set()
    for path, content in files.items():
        text = content.decode(errors="replace")
        if path.endswith("pyproject.toml"):
            found |= set(_in_pyproject(text))
        elif path.endswith((".txt", ".in")):
            found |= {match[1] for line in text.splitlines() if (match := _REQUIREMENT.match(line))}
        elif path.endswith(".py"):
            found |= {match[1] for match in re.finditer(r"['\"]([A-Za-z0-9][A-Za-z0-9._-]*)[^'\"\n]*['\"]", text)}
        else:
            found |= {match[1] for line in text.splitlines() for match in [_REQUIREMENT.match(line)] if match}
            found |= {
                word for line in text.splitlines() if "=" in line or "deps" in line for word in _WORD.findall(line)
            }
    return frozenset(_plain(name) for name in found if not name[0].isdigit())


def provides(names: Iterable[str], module: str) -> bool:
    """Whether one of the packages is known, or named, so that it may bring the top-level ``module``."""
    plain = _plain(module)
    candidates = {
        plain, _KNOWN.get(module, plain), f"python-{plain}", f"py{plain}", f"{plain}-python", f"{plain}-py",
        f"py-{plain}", f"django-{plain}", f"flask-{plain}", f"{plain}-client", f"{plain}-sdk", f"{plain}-binary",
        plain.removeprefix("py"),
    }  # fmt: skip
    return bool(candidates & set(names))


def installed(folders: Iterable[Iterable[str]]) -> frozenset[str]:
    """The packages that those folders (lists of what lies in them) have."""
    return frozenset(
        _plain(name.rpartition(".")[0].partition("-")[0])
        for names in folders
        for name in names
        if name.endswith((".dist-info", ".egg-info"))
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).strip("-").lower()


def _in_pyproject(text: str) -> Iterator[str]:
    try:
        yield from _needs(tomllib.loads(text), wanted=False)
    except ValueError:
        yield from _WORD.findall(text)


def _needs(value: Any, *, wanted: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inside in value.items():
            is_need = wanted or bool(_SAYS_NEED.search(key)) or key == "module"
            if wanted:
                yield key
            yield from _needs(inside, wanted=is_need)
    elif isinstance(value, list):
        for item in value:
            yield from _needs(item, wanted=wanted)
    elif isinstance(value, str) and wanted and (match := _REQUIREMENT.match(value)):
        yield match[1].partition(".*")[0]
