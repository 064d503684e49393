"""Write the snapshots of mails anew: `python -m tests.notifications.write_snapshots`. Then look at what has changed."""

from __future__ import annotations

from pathlib import Path

from kundval_notifications.texts.preview import as_text

from .messages import SNAPSHOTS


def write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, make in SNAPSHOTS.items():
        content = make()
        (folder / f"{name}.txt").write_text(as_text(content), encoding="utf-8")
        (folder / f"{name}.html").write_text(content.html or "", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "snapshots")
