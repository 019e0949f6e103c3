"""Whose a container is: what its image says does not count."""

import base64
import json
import zlib
from typing import Any

import pytest

from celadon.adapters import engine, ownership
from celadon.plan import release_label
from celadon.state import snapshot as labels

MARKS = {labels.WORKSPACE: "shop", labels.ENVIRONMENT: "staging", labels.ROLE: "task"}


@pytest.mark.parametrize(
    ("annotations", "given", "of_image", "ours"),
    [
        ({labels.MADE: "shop"}, MARKS, MARKS, True),
        (None, MARKS, {}, True),  # made by Celadon 0.1
        (None, MARKS, {labels.WORKSPACE: "shop", labels.SERVICE: "web"}, True),  # of an image that it built
        (None, MARKS, MARKS, False),
        (None, MARKS, {labels.ROLE: "task"}, False),
        ({"other": "x"}, {labels.WORKSPACE: "shop"}, {labels.WORKSPACE: "shop"}, False),
    ],
)
def test_a_container_is_celadons_by_its_annotation_or_by_labels_of_its_own(
    monkeypatch: pytest.MonkeyPatch, annotations: Any, given: Any, of_image: Any, ours: bool
) -> None:
    monkeypatch.setattr(engine, "ask", lambda *_words: {"Config": {"Labels": of_image}})
    raw = {"HostConfig": {"Annotations": annotations}, "Config": {"Labels": given}, "Image": "sha256:1"}
    assert ownership.is_celadons(raw) == ours


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[1]", b'{"services": 1}', b'{"services": {"a": 1}}', b"[" * 200_000, b"\xff", b" " * (64 << 20)],
)
def test_a_label_that_no_celadon_wrote_is_refused_before_it_is_unpacked_whole(text: bytes) -> None:
    with pytest.raises(ValueError):
        release_label.unpacked(base64.b64encode(zlib.compress(text)).decode(), {})
    for label in ("x", "eJw", "🙂"):
        with pytest.raises(ValueError):
            release_label.unpacked(label, {})


def test_a_frozen_document_comes_out_of_its_label() -> None:
    document = {"services": {"web": {"image": "web:1", "environment": {"A": "1"}}}}
    back = release_label.unpacked(release_label.packed(document), {"A": "$1"})
    assert json.dumps(back) == '{"services": {"web": {"image": "web:1", "environment": {"A": "$$1"}}}}'
