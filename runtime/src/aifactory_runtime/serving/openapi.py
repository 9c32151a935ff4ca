"""What /docs shows: the columns of the model that is served now, with types, limits and an example row.

The rows are described by the types that decode them, so that the document says what is taken and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from aifactory_runtime.serving import mlflow_forms, request_decoding, value_types
from aifactory_runtime.serving.retraining import MOST_WORDS

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Label
    from aifactory_runtime.serving.feedback import Feedback
    from aifactory_runtime.serving.model import ServedModel
    from aifactory_runtime.serving.service import Service

_OPENAPI = "3.0.3"
"""What the pages of `/docs` can show; 3.1 they cannot."""
_MOST_NAMED = 50
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": "string", "nullable": True}
_TRUTH = {"type": "boolean"}
_IDS = {"type": "array", "items": _TEXT}
_DETAIL = {"$ref": "#/components/schemas/Detail"}
_NO_BACKGROUND = "The model was registered before there were background rows: train and release it again"
_PREDICT = 'Rows as `{"rows": [{column: value, ...}]}`. A body may come with `Content-Encoding: gzip`.'
_EXPLAIN = """One row as `{"rows": [{column: value, ...}]}`, scored and recorded as by `/predict`. With the answer comes
what each column adds to it: Shapley values by permutation against the background rows that the model keeps. They sum to
`answer` less `background_mean`, and are the same for the same row. One explanation is made at a time; when many wait,
or one takes longer than `serving.explain_seconds`, it is refused with 503."""
_FEEDBACK = """What came true of predictions, from the roles consumer and domain-expert. Each label names its prediction
by `prediction_id`, or by `key` where factory.yaml has `labels.key`; `time` is when the outcome was seen, `kpi` a figure
of it, `replaces` the id of a label that this one corrects. The first label of a prediction counts."""
_RETRAIN = """Asks for a new training, from the roles data-scientist, ml-engineer and operator. It is a request as
others are: a rule decides, and a person where retraining.policy says so."""
_INVOCATIONS = """Rows in the forms of MLflow's scoring server:

- `{"dataframe_records": [{column: value, ...}, ...]}`, or the same list under `inputs` or `instances`;
- `{"inputs": {column: [value, ...], ...}}`, all lists of one length, or `{"inputs": {column: value, ...}}` for one row;
- `{"dataframe_split": {"columns": [column, ...], "data": [[value, ...], ...]}}`;
- as `text/csv` in UTF-8: a header of column names, then a row a line, separated by commas, semicolons, tabs or `|`, or
  as the table is that the model learned from; cells are read as that table's are (`data.read` in conf/), an empty one
  is null.

`params` may be there and empty. A body may come with `Content-Encoding: gzip`. The schema below has the lists of rows
only: it could not say of lists of values, or of lines of text, that they fit each other."""


def describe(app: FastAPI, service: Service) -> dict[str, Any]:
    """OpenAPI document of the service; without a model the rows are any objects."""
    model = service.model
    document = get_openapi(
        title=app.title,
        version=f"model {model.served.version}" if model else "no model yet",
        openapi_version=_OPENAPI,
        description=app.description,
        routes=app.routes,
    )
    guarded = service.callers is not None
    paths = document["paths"]
    classes = model.schema.classes if model else None
    refusals = _refusals(guarded)
    for path, body, about, responses in (
        ("/predict", _predict(model), _PREDICT, {"200": _json("One answer a row", _answer(classes)), **refusals}),
        (
            "/invocations",
            _invocations(model),
            _INVOCATIONS,
            {"200": _json("One answer a row", _answer(classes)), **refusals},
        ),
        (
            "/explain",
            _explain(model),
            _EXPLAIN,
            _explained(model, classes) | refusals | {"409": _json(_NO_BACKGROUND, _DETAIL)},
        ),
    ):
        operation = paths[path]["post"]
        operation["description"] = about
        operation["requestBody"] = body
        operation["responses"] = responses
    if service.feedback is not None:
        _describe_feedback(paths["/feedback"]["post"], service.feedback, model, guarded)
    if service.retraining is not None:
        _describe_retraining(paths["/retrain"]["post"], guarded)
    for path, responses in _health(guarded).items():
        paths[path]["get"]["responses"] = responses
    document.setdefault("components", {})["schemas"] = {"Row": _row(model), "Detail": _object({"detail": _TEXT})}
    return document


def _describe_feedback(operation: dict[str, Any], feedback: Feedback, model: ServedModel | None, guarded: bool) -> None:
    """Labels are described by the type that decodes them; without a model they are any objects."""
    item: dict[str, Any] = {"type": "object"}
    if model is not None:
        reader = feedback.reader(model.served.sha256, model.schema)
        _, found = msgspec.json.schema_components([reader.item])
        item = found["Label"]
        item["properties"] = {name: _in_3_0(schema) for name, schema in item["properties"].items()}
        names = [name for name in ("prediction_id", "key") if name in item["properties"]]
        item["oneOf"] = [{"required": [name]} for name in names]
    labels = {"type": "array", "minItems": 1, "maxItems": feedback.most, "items": item}
    example = {"labels": [{"prediction_id": "0199f3a2-...", "label": _outcome(model)}]}
    body = _object({"labels": labels}) | {"additionalProperties": False, "example": example}
    operation["description"] = _FEEDBACK
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    said = _json("The labels are recorded; their ids are in the order of the body", _object({"label_ids": _IDS}))
    denied = _json("The caller's roles may not send labels", _DETAIL)
    refusals = {**_refusals(guarded), **({"403": denied} if guarded else {})}
    operation["responses"] = {"200": said, **dict(sorted(refusals.items()))}


def _describe_retraining(operation: dict[str, Any], guarded: bool) -> None:
    why = {"type": "string", "minLength": 1, "maxLength": MOST_WORDS}
    body = _object({"why": why}) | {"additionalProperties": False, "example": {"why": "new prices since today"}}
    operation["description"] = _RETRAIN
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    said = _json("The request is written down; whether it is trained is decided later", _object({"message": _TEXT}))
    denied = _json("The caller's roles may not ask for a training", _DETAIL)
    operation["responses"] = {"202": said, **dict(sorted({**_refusals(guarded), "403": denied}.items()))}


def _outcome(model: ServedModel | None) -> Any:
    return model.schema.classes[0] if model and model.schema.classes else 1


def _row(model: ServedModel | None) -> dict[str, Any]:
    """The type that decodes a row, as JSON schema, and the columns that are taken beside it and not used."""
    if model is None:
        return {"type": "object"}
    _, found = msgspec.json.schema_components([model.reader.row])
    row: dict[str, Any] = found["Row"]
    unused = {"description": "Taken, as rows of the table have it, and not used."}
    properties = {name: _in_3_0(schema) for name, schema in row["properties"].items()}
    return row | {"properties": properties | dict.fromkeys(model.schema.unused, unused)}


def _in_3_0(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a value in the words of OpenAPI 3.0, which has no type for null."""
    null = {"type": "null"}
    if null in schema.get("anyOf", ()):
        (value,) = [part for part in schema["anyOf"] if part != null]
        made = _in_3_0(value) | {"nullable": True}
        return made | {"enum": [*made["enum"], None]} if "enum" in made else made
    return schema | _type(schema["enum"]) if "enum" in schema else schema


def _type(listed: Sequence[Any]) -> dict[str, Any]:
    """The type of listed values, which are texts or whole numbers; none where both are among them."""
    kinds = {"integer" if isinstance(one, int) else "string" for one in listed}
    return {"type": kinds.pop()} if len(kinds) == 1 else {}


def _rows(model: ServedModel | None) -> dict[str, Any]:
    rows: dict[str, Any] = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Row"}}
    return rows if model is None else rows | {"maxItems": model.reader.max_rows}


def _explain(model: ServedModel | None) -> dict[str, Any]:
    rows = _rows(model) | {"maxItems": request_decoding.EXPLAINED_ROWS}
    body = _object({"rows": rows}) | {"additionalProperties": False, "example": {"rows": _example(model)}}
    return {"required": True, "content": {"application/json": {"schema": body}}}


def _predict(model: ServedModel | None) -> dict[str, Any]:
    body = _object({"rows": _rows(model)}) | {"additionalProperties": False, "example": {"rows": _example(model)}}
    return {"required": True, "content": {"application/json": {"schema": body}}}


def _invocations(model: ServedModel | None) -> dict[str, Any]:
    params = {"type": "object", "nullable": True, "maxProperties": 0, "description": "Not supported: leave it out."}
    forms = []
    for key in mlflow_forms.ROWS_BY_NAME:
        form = _object({key: _rows(model)})
        form["properties"]["params"] = params
        forms.append(form | {"additionalProperties": False})
    body = {"oneOf": forms, "example": {mlflow_forms.ROWS_BY_NAME[0]: _example(model)}}
    return {"required": True, "content": {"application/json": {"schema": body}}}


def _example(model: ServedModel | None) -> list[Any]:
    return [{column.name: value_types.example(column) for column in model.schema.columns}] if model else [{}]


def _answer(classes: Sequence[Label] | None) -> dict[str, Any]:
    """What comes back: labels and their probabilities, of a regression numbers; anything while there is no model."""
    numbers: dict[str, Any] = {"type": "array", "items": {"type": "number"}}
    found: dict[str, Any] = {
        "predictions": {"type": "array", "items": {}},
        "prediction_ids": {"type": "array", "items": _TEXT},
        "model_version": _TEXT,
    }
    if classes:
        found["predictions"] = {"type": "array", "items": {"enum": list(classes)}}
        ordered = ", ".join(str(label) for label in classes[:_MOST_NAMED])
        by_class = {"description": f"Of each row, in this order: {ordered}{' ...' * (len(classes) > _MOST_NAMED)}"}
        found["probabilities"] = {"type": "array", "items": numbers, **by_class}
        about = "What each row of probabilities is of, in its order"
        found["classes"] = {"type": "array", "items": {"enum": list(classes)}, "description": about}
    elif classes is not None:
        found["predictions"] = numbers
    answer = _object(found)
    about = "Only where an answer need not be recorded, and this one is not: false"
    answer["properties"]["recorded"] = {"enum": [False], "description": about}
    return answer


def _explained(model: ServedModel | None, classes: Sequence[Label] | None) -> dict[str, Any]:
    """The answer to one row, and what each column adds to it."""
    number = {"type": "number"}
    columns: dict[str, Any] = {"type": "object", "additionalProperties": number}
    if model is not None:
        columns = _object({column.name: number for column in model.schema.columns}) | {"additionalProperties": False}
    about = "The probability of the predicted class" if classes else "The prediction"
    of_answer = {**number, "description": about}
    of_mean = {**number, "description": "The same number of the background rows, in the mean"}
    one = _object({"answer": of_answer, "background_mean": of_mean, "columns": columns})
    background = _object({"rows": {"type": "integer"}, "made_up": _TRUTH})
    answer = _answer(classes)
    more = {"explanations": {"type": "array", "minItems": 1, "maxItems": 1, "items": one}, "background": background}
    answer["required"] += more
    answer["properties"] |= more
    return {"200": _json("The answer, and what each column adds to it", answer)}


def _refusals(guarded: bool) -> dict[str, Any]:
    said = {
        "401": "The bearer token is missing or wrong",
        "413": "The body is too large, as it is sent or as it is unpacked",
        "415": "The content type or the encoding of the body is none that is taken",
        "422": "The rows do not fit the model's input schema",
        "503": "No model is ready, or the prediction could not be recorded",
    }
    return {status: _json(about, _DETAIL) for status, about in said.items() if guarded or status != "401"}


def _health(guarded: bool) -> dict[str, dict[str, Any]]:
    """The answers of the addresses that score nothing, by path and status."""
    ready = _object({"ready": _TRUTH, "model_version": _TEXT_OR_NULL, "reason": _TEXT_OR_NULL})
    texts = dict.fromkeys(("model_version", "model_sha256", "commit", "code_sha256"), _TEXT)
    version = _object({**texts, "sequence": {"type": "integer"}})
    refusals = _refusals(guarded)
    denied = {"401": refusals["401"]} if guarded else {}
    line = {"text/plain": {"schema": _TEXT}}
    return {
        "/health/live": {"200": _json("The process runs", _object({"live": _TRUTH}))},
        "/health/ready": {"200": _json("A model is ready", ready), "503": _json("None is, and why", ready)},
        "/ping": {
            "200": {"description": "A model is ready", "content": line},
            "503": {"description": "None is", "content": line},
        },
        "/version": {
            "200": _json("Model and code that answer", version),
            **denied,
            "503": _json("No model is ready", {"type": "object", "properties": {"detail": _TEXT_OR_NULL}}),
        },
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _json(about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}
