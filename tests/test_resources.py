"""resources/README.md names every file and folder that ships."""

import re
from importlib.resources import files

import pytest

SHIPPED = sorted(
    entry.name
    for entry in files("resources").iterdir()
    if not entry.name.startswith(("__", ".")) and entry.name != "README.md"
)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_resource_has_its_reader_and_origin(name: str) -> None:
    text = files("resources").joinpath("README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(rf"\| `{re.escape(name)}\b", line)]
    assert rows
    if len(rows) > 1:  # a folder whose files have a row each: then every file has one
        shipped = {f.name for f in files("resources").joinpath(name).iterdir() if not f.name.startswith("__")}
        assert {re.findall(rf"`{name}/([\w.]+)`", row)[0] for row in rows} == shipped
    for row in rows:
        reader = re.findall(r"`((?:app|ml|knowledge_graph)/[\w./]+)`", row)
        assert len(reader) == 1
        place = files("resources").joinpath("..", reader[0])
        assert place.is_dir() or place.is_file()
