"""Labels that callers send: decoded by the type of the served model's target, recorded before they are acknowledged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from aifactory_runtime.contract import names
from aifactory_runtime.contract.kpi import KPI
from aifactory_runtime.data.columns import to_date
from aifactory_runtime.labels import rules
from aifactory_runtime.labels.line import Line, by_hashes, encoded, key_text
from aifactory_runtime.serving import value_types
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.serving.service import new_ids

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import InputSchema, Label
    from aifactory_runtime.serving.callers import Caller
    from aifactory_runtime.serving.recording import Recorder

ROLES = (names.CONSUMER, names.DOMAIN_EXPERT)
"""Who may say what came true."""
_PLACE = re.compile(r" - at `\$\.labels\[(\d+)\](?:\.(\w+))?`$")
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Key = Annotated[str, Meta(min_length=1, max_length=200)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Time = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
_WANTED = {
    "prediction_id": "a prediction's id, as the answer had it",
    "key": "a text of 1 to 200 characters or a whole number",
    "time": "a date in ISO 8601, such as 2026-01-31T12:00:00Z",
    KPI: "a number",
    "replaces": "a label's id, as the answer had it",
}


class Denied(Exception):
    """The caller is known and may not send labels."""


class LabelReader:
    """Reads bodies for one model; made once a model, as the decoder is compiled."""

    def __init__(self, schema: InputSchema, key: str | None, most: int, kpi: str = KPI) -> None:
        self._classes, self._key, self._most = schema.classes, key, most
        self._described = {kpi if name == KPI else name: wanted for name, wanted in _WANTED.items()}
        self.item = _item(schema.classes, key, kpi)
        items = Annotated[list[self.item], Meta(min_length=1, max_length=most)]  # type: ignore[name-defined]
        body: Any = msgspec.defstruct("Body", [("labels", items)], forbid_unknown_fields=True)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def read(self, body: bytes) -> list[Any]:
        """The items of a body; Refused says in a sentence what does not fit, and repeats no value."""
        try:
            items: list[Any] = self._decoder.decode(body).labels
        except msgspec.ValidationError as error:
            items = self._again(body, str(error))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Refused("the body is not valid JSON") from None
        for number, item in enumerate(items):
            self._check(number, item)
        return items

    def _again(self, body: bytes, message: str) -> list[Any]:
        """Whole numbers may be written as 1.0."""
        try:
            decoded = msgspec.json.decode(body)
            for item in decoded["labels"]:
                label = item["label"]
                if type(label) is float and label.is_integer() and abs(label) < value_types.EXACT:
                    item["label"] = int(label)
            converted: Any = msgspec.convert(decoded, self._decoder.type)
        except (msgspec.MsgspecError, ValueError, RecursionError, LookupError, TypeError):
            raise Refused(self._explain(message)) from None
        found: list[Any] = converted.labels
        return found

    def _check(self, number: int, item: Any) -> None:
        if (item.prediction_id is UNSET) == (getattr(item, "key", UNSET) is UNSET):
            raise Refused(f"label {number}: {self._which()}")
        if self._classes and item.label not in self._classes:  # decimals have no type of their own that says so
            raise Refused(f"label {number}: label must be {self._wanted()}")
        if item.time is not UNSET:
            try:
                to_date(item.time)
            except (ValueError, OverflowError):
                raise Refused(f"label {number}: time must be {_WANTED['time']}") from None

    def _which(self) -> str:
        if self._key is None:
            return "prediction_id is missing; labels.key of factory.yaml names no column to find predictions by"
        return f"name either prediction_id or key, the value of {self._key}"

    def _wanted(self) -> str:
        return "one of " + ", ".join(map(repr, self._classes)) if self._classes else "a number"

    def _explain(self, message: str) -> str:
        place = _PLACE.search(message)
        if place is None:
            key = ' or "key"' if self._key else ""
            form = f'{{"labels": [{{"prediction_id"{key}: ..., "label": ...}}, ...]}}'
            return f"/feedback takes {form} with 1 to {self._most} labels"
        number, name = place.groups()
        if name == "label" or "`label`" in message:
            return f"label {number}: label must be {self._wanted()}"
        if name in self._described:
            return f"label {number}: {name} must be {self._described[name]}"
        others = ", ".join(one for one in self._described if one != "key")
        return f"label {number}: takes label, {'key, ' * bool(self._key)}{others}"


@dataclass
class Feedback:
    """Where labels go, and how they may name a prediction beside its id."""

    recorder: Recorder
    key: str | None = None
    most: int = 1_000
    hashed: Callable[[Sequence[str | None]], list[tuple[str, ...]]] | None = None
    """What makes the records of a request's keys where their column is recorded as a hash, the newest key's first."""
    kpi: str = KPI
    """What labels call the figure that they bring."""
    _made: tuple[str, LabelReader] | None = field(default=None, repr=False)

    def reader(self, sha256: str, schema: InputSchema) -> LabelReader:
        """What reads labels of the model of this digest."""
        if self._made is None or self._made[0] != sha256:
            self._made = (sha256, LabelReader(schema, self.key, self.most, self.kpi))
        return self._made[1]

    async def record(self, reader: LabelReader, body: bytes, caller: Caller | None) -> bytes:
        """Record the labels of a body and return their ids, as JSON. Refused, Denied, NotRecorded."""
        if caller is not None and caller.roles.isdisjoint(ROLES):
            raise Denied(f"labels are taken from {' and '.join(ROLES)}; {caller.login} is neither")
        items = reader.read(body)
        ids = new_ids(len(items))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        by = "" if caller is None else caller.login
        lines = self._as_recorded([_line(*pair, now, by) for pair in zip(ids, items, strict=True)])
        await self.recorder.record([encoded(line) for line in lines])
        return msgspec.json.encode({"label_ids": ids})

    def _as_recorded(self, lines: list[Line]) -> list[Line]:
        if self.hashed is None or self.key is None:
            return lines
        keys = self.hashed([line.key for line in lines])
        return [by_hashes(line, hashes) for line, hashes in zip(lines, keys, strict=True)]


def _line(identity: str, item: Any, now: str, by: str) -> Line:
    key = getattr(item, "key", UNSET)
    return Line(
        id=identity,
        time=now,
        by=by,
        label=msgspec.Raw(msgspec.json.encode(item.label)),
        prediction_id=_given(item.prediction_id),
        key=None if key is UNSET else key_text(key),
        at=None if item.time is UNSET else _instant(item.time),
        kpi=_given(item.kpi),
        replaces=_given(item.replaces),
    )


def _instant(text: str) -> str | None:
    found = to_date(text)
    return None if found is None else rules.stamp(found.replace(tzinfo=UTC))


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _item(classes: Sequence[Label], key: str | None, kpi: str) -> type[msgspec.Struct]:
    """The type that one label has on the wire."""
    by_key: list[Any] = [] if key is None else [("key", _Key | UnsetType, UNSET)]
    made: type[msgspec.Struct] = msgspec.defstruct(
        "Label",
        [
            ("label", _label(classes)),
            ("prediction_id", _Id | UnsetType, UNSET),
            *by_key,
            ("time", _Time | UnsetType, UNSET),
            (KPI, float | UnsetType, UNSET),
            ("replaces", _Id | UnsetType, UNSET),
        ],
        rename={KPI: kpi},
        forbid_unknown_fields=True,
    )
    return made


def _label(classes: Sequence[Label]) -> Any:
    """The type of the target."""
    if classes and all(isinstance(one, bool) for one in classes):
        return bool
    if not classes or any(isinstance(one, float) for one in classes):
        return float
    return Literal[tuple(classes)]
