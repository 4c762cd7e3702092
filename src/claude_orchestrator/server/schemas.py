"""The arguments of tools: their schema in few words, and what is said when a call does not fit it."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_type_hints

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from claude_orchestrator.server.declaring import Arguments, Function


class Checked(BaseModel):
    """Base of the models that check the arguments of tools."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@cache
def signature_of(name: str, function: Function) -> Signature:
    """What a tool takes; made once for a process."""
    return Signature(name, function)


class Signature:
    """What a tool takes; made from the parameters of its function after the first."""

    def __init__(self, name: str, function: Function) -> None:
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        fields: dict[str, Any] = {
            p.name: (hints[p.name], ... if p.default is inspect.Parameter.empty else p.default) for p in parameters
        }
        self._name = name
        self._model = create_model(name, __base__=Checked, **fields)
        self.schema: dict[str, Any] = _pruned(self._model.model_json_schema())
        self.schema.setdefault("properties", {})

    @property
    def known(self) -> tuple[str, ...]:
        """The names of all arguments."""
        return tuple(self.schema["properties"])

    def checked(self, arguments: Arguments) -> Arguments:
        """The arguments as the function gets them. Raises ToolError that says what is wrong and what is possible."""
        unknown = [name for name in arguments if name not in self.known]
        if unknown:
            raise ToolError(self._unknown(unknown))
        try:
            model = self._model.model_validate(self._unpacked(arguments))
        except ValidationError as error:
            raise ToolError(f"{self._name}: {'; '.join(self._wrong(error))}. It takes: {self.line()}") from error
        return {name: getattr(model, name) for name in type(model).model_fields}

    def line(self) -> str:
        """The signature on one line: ``run_get(run: str, view: summary|tasks = summary)``."""
        required = self.schema.get("required", ())
        parts = [_parameter(name, schema, name in required) for name, schema in self.schema["properties"].items()]
        return f"{self._name}({', '.join(parts)})"

    def _unpacked(self, arguments: Arguments) -> Arguments:
        """Some models write an object as a string of JSON: it is taken for what it says."""
        return {name: self._unpack(name, value) for name, value in arguments.items()}

    def _unpack(self, name: str, value: Any) -> Any:
        wants = self.schema["properties"][name].get("type")
        if isinstance(value, str) and wants in ("object", "array"):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value

    def _unknown(self, names: Iterable[str]) -> str:
        said = []
        for name in names:
            near = difflib.get_close_matches(name, self.known, 1, 0.5)
            said.append(f"there is no argument '{name}'" + (f", did you mean '{near[0]}'?" if near else ""))
        return f"{self._name}: {'; '.join(said)} It takes: {self.line()}"

    def _wrong(self, error: ValidationError) -> Iterable[str]:
        for problem in error.errors(include_url=False):
            place = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "missing":
                yield f"'{place}' is missing"
            else:
                yield f"'{place}' = {_short(problem['input'])}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _pruned(schema: Any) -> Any:
    """The schema without what says nothing to a model: titles, and ``null`` beside a default."""
    if isinstance(schema, list):
        return [_pruned(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    pruned = {
        name: _pruned(value) for name, value in schema.items() if not (name == "title" and isinstance(value, str))
    }
    if isinstance(choices := pruned.get("anyOf"), list):
        rest = [choice for choice in choices if choice != {"type": "null"}]
        if len(rest) == 1 and len(rest) < len(choices):
            del pruned["anyOf"]
            pruned = {**rest[0], **pruned}
            if pruned.get("default", 0) is None:
                del pruned["default"]
    if isinstance(schema.get("properties"), Mapping):
        pruned["properties"] = {name: _pruned(value) for name, value in schema["properties"].items()}
    return pruned


def _parameter(name: str, schema: Mapping[str, Any], required: bool) -> str:
    if "enum" in schema:
        kind = "|".join(str(value) for value in schema["enum"] if value != "")
    elif "const" in schema:
        kind = str(schema["const"])
    else:
        kind = {"string": "str", "integer": "int", "number": "num", "boolean": "bool", "array": "list"}.get(
            str(schema.get("type")), "any" if "type" not in schema else str(schema["type"])
        )
    return f"{name}: {kind}" if required else f"{name}?: {kind}"
