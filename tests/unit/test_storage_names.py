"""File names: one for each request, the same at every retry, safe everywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from producers.storage import InvalidName, file_name
from producers.storage.names import MAX_NAME, check_name

anything = st.text(max_size=600)
near_misses = st.text(alphabet="aAbB-_./ ~1", max_size=8)


@given(tool=anything, request_id=anything, mime_type=anything)
@example(tool="..", request_id="../../etc/passwd", mime_type="image/png")
@example(tool="con", request_id="", mime_type="")
@example(tool="t" * 255, request_id="é" * 512, mime_type="image/svg+xml; charset=utf-8")
def test_every_tool_and_request_id_gives_an_accepted_name(
    tool: str, request_id: str, mime_type: str
) -> None:
    name = file_name(tool, request_id, mime_type)
    assert check_name(name) == name
    assert len(name) <= MAX_NAME


@given(tools=st.tuples(near_misses, near_misses), ids=st.tuples(near_misses, near_misses))
@example(tools=("a", "a"), ids=("ab", "AB"))
@example(tools=("a", "a"), ids=("a/2", "a-2"))
@example(tools=("a", "a-b"), ids=("b-c", "c"))
def test_two_requests_never_share_a_name_whatever_their_tools(
    tools: tuple[str, str], ids: tuple[str, str]
) -> None:
    names = [file_name(tool, id_, "image/png") for tool, id_ in zip(tools, ids, strict=True)]
    if ids[0] != ids[1]:
        assert names[0].lower() != names[1].lower()


def test_a_usual_request_gives_a_readable_name() -> None:
    name = file_name("generateUserImage", "019ab0c4-77aa-7000", "image/png")
    assert name == "generate-user-image_019ab0c4-77aa-7000.png"
    assert file_name("generateUserImage", "019ab0c4-77aa-7000", "image/png") == name
    second = file_name("generateUserImage", "019ab0c4/2", "image/jpeg")
    assert re.fullmatch(r"generate-user-image_019ab0c4-2_[0-9a-f]{20}\.jpg", second)


@given(name=st.text(max_size=30))
def test_an_accepted_name_has_no_way_out_of_its_folder(name: str) -> None:
    try:
        check_name(name)
    except InvalidName:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name, re.ASCII)
    assert ".." not in name
    assert "/" not in name


@pytest.mark.parametrize("name", ["Com1.png", "lpt0", "AUX.jpg", "a" * 201, "a.", ".a"])
def test_names_that_some_file_system_treats_specially_are_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        check_name(name)
