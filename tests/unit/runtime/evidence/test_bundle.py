"""The file for an auditor: the same bytes for the same content, and a manifest that fits it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest

from aifactory_runtime.evidence import bundle
from aifactory_runtime.evidence.bundle import Gathered, Part

PARTS = (Part("b.txt", b"second", "a part"), Part("a.json", b"{}", "another one"))
FOUND = Gathered({"version": 3}, PARTS, {"gate.json": "it is not on this machine"}, ["b.txt was changed"])


def test_given_parts_in_any_order_when_packed_then_the_bytes_are_the_same() -> None:
    packed = bundle.pack(FOUND)

    assert packed == bundle.pack(replace(FOUND, parts=PARTS[::-1]))
    assert packed != bundle.pack(replace(FOUND, parts=(PARTS[0], replace(PARTS[1], content=b"[]"))))


def test_given_a_bundle_when_opened_then_its_manifest_names_each_part_and_what_is_missing() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(FOUND))) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read(names[0]))
        contents = {name: archive.read(name) for name in names[1:]}

    assert names == ["manifest.json", "a.json", "b.txt"]
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert (manifest["version"], manifest["files"]["b.txt"]["bytes"]) == (3, 6)
    assert manifest["missing"] == FOUND.missing and manifest["problems"] == ["b.txt was changed"]


@pytest.mark.parametrize("name", ["a.json", "manifest.json"])
def test_given_two_parts_of_one_name_when_packed_then_none_is_lost_in_silence(name: str) -> None:
    with pytest.raises(ValueError, match="one name"):
        bundle.pack(replace(FOUND, parts=(*PARTS, Part(name, b"", ""))))
