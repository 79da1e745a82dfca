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
    assert len(rows) == 1
    reader = re.findall(r"`((?:app|ml|knowledge_graph)/[\w./]+)`", rows[0])
    assert len(reader) == 1
    assert (
        files("resources").joinpath("..", reader[0]).is_dir()
        or files("resources").joinpath("..", reader[0]).is_file()
    )
