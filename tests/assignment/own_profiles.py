"""A municipality's profile with some lines changed, as an operator puts one into the folder of its own profiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from kundval_contracts import profiles


@contextmanager
def changed(folder: Path, municipality: str, *lines: tuple[str, str]) -> Iterator[None]:
    """Within the block the profile of `municipality` has the second text of each pair in place of the first."""
    text = files("kundval_contracts").joinpath(f"data/municipalities/{municipality}.toml").read_text(encoding="utf-8")
    for old, new in lines:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / f"{municipality}.toml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(profiles.FOLDER, str(folder))
        profiles.read_again()
        try:
            yield
        finally:
            patch.undo()
            profiles.read_again()
