"""The fault campaign: seeded rounds of faults on a busy suite, and after each the proof that nothing was lost.

`make campaign`, or `python -m tests.faults.campaign --help`. See `tests/faults/README.md`.
"""

import sys
from pathlib import Path

# what starts servers is in folders that are no packages; pytest is told of them in pyproject.toml
_DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
sys.path += [str(_DEPLOY / part) for part in ("local", "rabbitmq")]
