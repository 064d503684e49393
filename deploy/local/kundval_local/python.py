"""Go on with a Python that is new enough, or say what to install. Kept readable for old Pythons."""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NAMES = ("python3.13", "python3.12", "python3.11")


def need():
    # type: () -> None
    """Return if this Python will do; otherwise start the script again with one that does, or exit 3."""
    if sys.version_info >= OLDEST:
        return
    for name in NAMES:
        path = shutil.which(name)
        if path and _runs(path):
            os.execv(path, [path, *sys.argv])
    sys.stderr.write(
        "kundval: needs Python 3.11, 3.12 or 3.13; python3 here is {}.{} and no newer one is on PATH.\n"
        "Install one, for example: apt-get install python3.11 python3.11-venv\n".format(*sys.version_info[:2])
    )
    sys.exit(3)


def _runs(path):
    # type: (str) -> bool
    # a name on PATH may be a version manager's shim that only says "not found"
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([path, "-c", check], capture_output=True, check=False).returncode == 0
