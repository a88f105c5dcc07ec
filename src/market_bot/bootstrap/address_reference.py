"""Writes the page of the HTTP addresses from the application, so that it cannot lag behind.

``python -m market_bot.bootstrap.address_reference > docs/reference/addresses.md``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.sessions import Sessions
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.dashboard import Operator

_HEAD: Final = """\
# HTTP addresses

<!-- Written by market_bot/bootstrap/address_reference.py from the application. Do not edit. -->

Every address that the running bot describes in `/api/openapi.json`, with what it takes and what it
answers. How to be let in, what the numbers mean, the WebSocket and the errors:
[the interface](api.md). `…` marks what may be left out.

| request | takes | answers | does |
| --- | --- | --- | --- |
"""
_SHAPES: Final = """
## Shapes

The fields of bodies and answers; `?` marks what may be `null` or missing.

| shape | fields |
| --- | --- |
"""

Schema = Mapping[str, Any]


def schema() -> Schema:
    """Return the application's description of itself; no bot is asked for it."""
    nobody = cast("Operator", object())
    app = create_app(nobody, Sessions(lambda: Micros(0)), allowed_hosts=frozenset())
    return app.openapi_schema.to_schema()


def render() -> str:
    """Return the whole reference page."""
    told = schema()
    shapes = sorted(told["components"]["schemas"].items())
    return _HEAD + "".join(_rows(told)) + _SHAPES + "".join(_shape(*one) for one in shapes)


def _rows(told: Schema) -> Iterator[str]:
    for path, methods in sorted(told["paths"].items()):
        for method, what in methods.items():
            cells = (f"`{method.upper()} {path}`", _takes(what), _answers(what), _does(what))
            yield f"| {' | '.join(cells)} |\n"


def _takes(what: Schema) -> str:
    names = [
        f"`{one['name']}`" if one["required"] else f"`{one['name']}` …"
        for one in what.get("parameters", [])
        if one["in"] == "query"
    ]
    body = what.get("requestBody", {}).get("content", {}).get("application/json")
    return ", ".join([*names, *([] if body is None else [_kind(body["schema"])])])


def _answers(what: Schema) -> str:
    (code, answer), *_ = sorted(what["responses"].items())
    (content,) = list(answer.get("content", {}).values()) or [None]
    kind = "" if content is None else _kind(content["schema"])
    return code if kind in ("", "any", "null") else f"{code} {kind}"


def _does(what: Schema) -> str:
    told = " ".join(what.get("description", "").split())
    return told.replace("``", "`").replace("|", "\\|")


def _shape(name: str, shape: Schema) -> str:
    required = shape.get("required", ())
    fields = [
        f"`{field}`{'' if field in required else '?'} {_kind(kind)}"
        for field, kind in shape.get("properties", {}).items()
    ]
    return f"| {name} | {', '.join(fields)} |\n"


def _kind(kind: Schema) -> str:
    if "$ref" in kind:
        return str(kind["$ref"]).rpartition("/")[2]
    if "oneOf" in kind:
        sure = [_kind(one) for one in kind["oneOf"] if one.get("type") != "null"]
        return f"{' or '.join(sure)}{'?' if len(sure) < len(kind['oneOf']) else ''}"
    if kind.get("type") == "array":
        return f"list of {_kind(kind['items'])}" if "items" in kind else "list"
    return str(kind.get("type", "any"))


def main() -> None:
    """Write the page to standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
