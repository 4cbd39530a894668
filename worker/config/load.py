"""Reads the settings from all sources and reports every fault at once.

Sources, later ones first: command line (`--set kafka.input_topic=queries`), environment
(`QUERY_WORKER_KAFKA__INPUT_TOPIC`), a TOML file, defaults.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from worker.config.languages import Language
from worker.config.secrets import is_secret
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS, Logging, Settings, reloadable
from worker.errors import ConfigError, Fault
from worker.redact import HIDDEN

ENV_PREFIX = "QUERY_WORKER_"
CORRECT = "correct the value"
SERVICE_LINK = re.compile(  # `…SERVER_PORT=9464` is a misspelt setting, `=tcp://…` is not
    r"_SERVICE_(HOST|PORT(_\w+)?)=|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?="
    r"|_PORT=(tcp|udp|sctp)://"
)


@dataclass(frozen=True)
class Change:
    """One key that differs between two settings; secret values are hidden."""

    key: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.key}: {self.old} -> {self.new}"


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
) -> Settings:
    """Read settings from all sources.

    Args:
        environment: default: the process's own.
        assignments: `part.key=value` strings of the command line.

    Raises:
        ConfigError: names every fault with key, value, expected and remedy.
    """
    faults: list[Fault] = []
    sources: dict[tuple[str, str], str] = {}
    tree = _read(file) if file else {}
    for source, key, value in _overrides(environment, assignments, faults):
        _put(tree, source, key, value, faults)
        sources[key[0], key[1]] = source
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        faults += [_fault(item, sources.get(item["loc"][:2])) for item in error.errors()]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"configuration: {count}", faults)
    return settings


def log_format(file: Path | None, assignments: Iterable[str]) -> Logging:
    """`logging.format` of the same sources, for the report of what is wrong with them."""
    tree: dict[str, Any] = {}
    with suppress(ConfigError):
        tree = _read(file) if file else {}
    for source, key, value in _overrides(None, assignments, []):
        _put(tree, source, key, value, [])
    part = tree.get("logging")
    json = isinstance(part, dict) and part.get("format") == "json"
    return Logging(format="json" if json else "text")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file; name a TOML file with -c") from None
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); name a TOML file with -c"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML in UTF-8: {error}; correct the file") from None


def _overrides(
    environment: Mapping[str, str] | None, assignments: Iterable[str], faults: list[Fault]
) -> Iterable[tuple[str, list[str], str]]:
    """(source, [part, key], value) of each variable and flag."""
    environment = os.environ if environment is None else environment
    for name in sorted(name for name in environment if name.startswith(ENV_PREFIX)):
        key = name.removeprefix(ENV_PREFIX).lower().split("__", 1)
        if len(key) == 2:
            yield name, key, environment[name]
        # Kubernetes sets such names, for each service `query-worker…` of the namespace.
        elif not SERVICE_LINK.search(f"_{name.removeprefix(ENV_PREFIX)}={environment[name]}"):
            likely = _meant(name.removeprefix(ENV_PREFIX))
            remedy = f"write two underscores between part and key: {ENV_PREFIX}{likely}"
            remedy = remedy if likely else "name a part and a key of it, or unset it"
            faults.append(Fault(name, HIDDEN, f"{ENV_PREFIX}PART__KEY", remedy))
    for item in assignments:
        key, equals, value = item.partition("=")
        if equals and "." in key:
            yield f"--set {key}", key.strip().split(".", 1), value
        else:
            name = re.match(r"[\w.]*", item)[0]  # the rest may be a secret
            faults.append(Fault("--set", f"{name!r} …", "part.key=value", "use this form"))


def _meant(name: str) -> str:
    """PART__KEY of the setting that a variable without `__`, given without its prefix, was meant
    as; "" where that is not known."""
    part, _, rest = name.partition("_")
    if part.lower() in Settings.model_fields:
        return f"{part}__{rest or 'KEY'}"
    parts = (part for part in Settings.model_fields if name.lower() in model_of(part).model_fields)
    return next((f"{part.upper()}__{name}" for part in parts), "")


def _put(tree: dict, source: str, key: list[str], value: str, faults: list[Fault]) -> None:
    """Set one value; `kafka.client.security.protocol` reaches into the property tables."""
    part, name = key
    depth = 2 if part == "languages" else 1  # of the tables in it: languages.de.names.intent
    path = name.split(".", depth)
    if "__" in path[0]:  # environment: QUERY_WORKER_KAFKA__CLIENT__SECURITY_PROTOCOL
        path = name.split("__", depth)
        path[-1] = path[-1].replace("_", ".")
    section = tree.setdefault(part, {})
    for table in path[:-1]:
        if isinstance(section, dict):
            section = section.setdefault(table, {})
    if isinstance(section, dict):
        section[path[-1]] = value
    else:
        faults.append(Fault(source, HIDDEN, "a table", f"write [{part}] in the file"))


def _fault(item: Mapping[str, Any], source: str | None) -> Fault:
    key = ".".join(str(part) or '""' for part in item["loc"]) or "configuration"
    shown = f"{key} ({source})" if source and not source.startswith("--") else key
    found = _found(key, item.get("input"))
    match item["type"]:
        case "extra_forbidden":
            known, name = _known(item["loc"][:-1]), str(item["loc"][-1])
            near = get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]}?" if near else "correct the name, or leave it out"
            return Fault(shown, "an unknown name", f"one of {', '.join(known)}", remedy)
        case "value_error":
            expected, remedy, *told = item["ctx"]["error"].args
            return Fault(shown, told[0] if told else found, expected, remedy)
        case "string_pattern_mismatch":
            example = _field(item["loc"]).default
            return Fault(shown, found, f"text like {example!r}", CORRECT)
        case "bool_type" | "bool_parsing":
            return Fault(shown, found, "true or false", CORRECT)
        case "string_type":
            return Fault(shown, found, "text in quotes", CORRECT)
        case "string_too_short":
            return Fault(shown, found, "text that is not empty", f"{CORRECT}, or leave it out")
        case "path_type":
            return Fault(shown, found, "text, the path of a folder", CORRECT)
        case "model_type" | "dict_type":
            return Fault(shown, found, "a table", f"write [{key}] and keys below it")
    return Fault(shown, found, item["msg"].removeprefix("Input should be "), CORRECT)


def _found(key: str, value: Any) -> str:
    """A value for messages, without secrets; a table may hold some under misspelt names."""
    if isinstance(value, Mapping):
        return "a table"
    shown = HIDDEN if _secret(key) else re.sub(r".*@", f"'{HIDDEN}@", _written(value))
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _written(value: Any) -> str:
    """As TOML has it, which has no word for None."""
    if value is None:
        return "no value"
    if isinstance(value, Path):
        return repr(str(value))
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _secret(key: str) -> bool:
    part, _, name = key.partition(".")
    tables = part == "kafka" and name.partition(".")[0] in ("client", "consumer", "producer")
    return tables or is_secret(key) or "key" in key


def _field(location: tuple) -> Any:
    part, key = location[:2]
    return model_of(part).model_fields[key]


def _known(location: tuple) -> list[str]:
    return list((model_of(location[0]) if location else Settings).model_fields)


def model_of(part: str) -> type[BaseModel]:
    """What describes a part, or each entry of a part that is a table of them."""
    found = Settings.model_fields[part].annotation
    return get_args(found)[-1] if get_args(found) else found


def changes(old: Settings, new: Settings) -> list[Change]:
    """Every key whose value differs, in the order of the settings."""
    before, after = dict(_values(old)), dict(_values(new))
    return [
        Change(key, _found(key, before.get(key)), _found(key, after.get(key)))
        for key in before | after
        if before.get(key) != after.get(key)
    ]


def fingerprint(settings: Settings) -> str:
    """8 hexadecimal digits that change with any setting that is no secret."""
    public = [(key, None if _secret(key) else value) for key, value in _values(settings)]
    return hashlib.sha256(repr(public).encode()).hexdigest()[:8]


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Each `part.key` with its value; librdkafka's properties as `kafka.client.NAME`."""
    for part, fields in settings:
        if part == "languages":  # one that comes or goes is a change itself
            yield from ((f"{part}.{code}", "an entry") for code in fields)
        yield from _flat(part, fields)


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping | BaseModel):
        items = sorted(value.items()) if isinstance(value, Mapping) else value
        for name, item in items:
            yield from _flat(f"{key}.{name}", item)
    else:
        yield key, value


def reference() -> str:
    """The configuration reference: a Markdown table for each part, made from the models."""
    lines = ["Keys with ↻ can change in a running worker: send it SIGHUP.", ""]
    for part in Settings.model_fields:
        table = f"{part}.CODE" if model_of(part) is Language else part
        lines += [f"**`[{table}]`**", "", "| key | default | meaning |", "|---|---|---|"]
        for key, item in model_of(part).model_fields.items():
            default = item.get_default(call_default_factory=True)
            written = "none" if default is None else f"`{_written(default)}`".replace("'", '"')
            shown = {STARTER_MODELS: "starter models", STARTER_LEXICON: "starter lexicon"}.get(
                default if isinstance(default, Path) else None, written
            )
            mark = " ↻" if reloadable(f"{table}.{key}") else ""
            meaning = item.description.replace("|", "/") + mark
            lines.append(f"| `{key}` | {shown} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference())
