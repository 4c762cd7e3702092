"""Classes of the project whose objects are equal to everything. PYTEST_DONT_REWRITE.

How such a class came about does not matter: an object of it is made without running its code, and asked whether it
equals values that nobody can know beforehand. Classes that were there at the base count there as well.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

_BUILTINS = (object, int, str, float, complex, bytes, bytearray, tuple, list, dict, set, frozenset)
_SECONDS = 0.5
"""How much time the looks after single tests may take in all; the one at the end is always taken."""

# What a class is asked with, whatever its metaclass says: there are more than a thousand classes after every test.
_below = type.__subclasses__
_members_of = type.__dict__["__dict__"].__get__


class Equality:
    """Looks for classes of the checkout with an equality of their own, and asks it."""

    def __init__(self, checkout: str) -> None:
        self._inside = os.path.realpath(checkout) + os.sep
        self._spent = 0.0
        self._asked: dict[Any, str] = {}
        self._sources: dict[str, bool] = {}

    def after_test(self) -> list[str]:
        """What there is now, as long as looking does not cost much."""
        if self._spent > _SECONDS:
            return []
        started = time.perf_counter()
        found = self.look()
        self._spent += time.perf_counter() - started
        return found

    def look(self) -> list[str]:
        """Names of classes whose objects equal everything."""
        seen: dict[int, Any] = {}
        level: list[Any] = list(_BUILTINS)
        while level:
            below = {id(kind): kind for one in level for kind in _below(one)}
            fresh = [kind for number, kind in below.items() if number not in seen]
            seen.update(below)
            level = [kind for kind in fresh if kind is not type and not issubclass(kind, type)]
        judged = [self._judged(kind) for kind in seen.values() if "__eq__" in _members_of(kind)]
        return [name for name in judged if name]

    def _judged(self, kind: Any) -> str:
        method = _members_of(kind).get("__eq__")
        code = getattr(method, "__code__", None)
        if code is None or not self._is_source(code.co_filename):
            return ""
        if code not in self._asked:
            name = "the equality of {}.{}".format(kind.__module__, kind.__qualname__)
            self._asked[code] = name if _equals_everything(kind, method) else ""
        return self._asked[code]

    def _is_source(self, file: str) -> bool:
        """Whether a file is code of the checkout; what tests compare with in their own files is read elsewhere.

        Each file is looked up once: the same hundred are asked for after every test.
        """
        if file not in self._sources:
            self._sources[file] = self._is_below(os.path.realpath(file))
        return self._sources[file]

    def _is_below(self, path: str) -> bool:
        below = path[len(self._inside) :].split(os.sep)
        is_test = below[-1].startswith(("test_", "conftest.")) or below[-1].endswith("_test.py")
        return path.startswith(self._inside) and not is_test and not {"tests", "test"}.intersection(below)


def _equals_everything(kind: Any, method: Any) -> bool:
    base = next((one for one in kind.__mro__ if one in _BUILTINS), object)
    try:
        thing = base.__new__(kind)
        chance = random.Random()  # noqa: S311 # nosec B311 - nobody has to guess it for long
        values = [(number, chance.getrandbits(60)) for number in chance.sample(range(2, 1000), 2)]
        probes = [[number, other, str(number), (number, other), float(number), [other]] for number, other in values]
        return any(all(method(thing, one[place]) is True for one in probes) for place in range(len(probes[0])))
    except Exception:  # noqa: BLE001 - code of the project: an equality that fails is no liar
        return False
