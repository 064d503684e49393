"""Make var/docs/index.html: the committed AsyncAPI and OpenAPI documents as pages to browse, without any network.

    python docs/build_site.py

What shows them comes from npm once, as docs/site/package-lock.json pins it; the pages themselves fetch nothing, so that
they can be opened from a disk or put on any web server.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kundval_contracts import catalogue  # noqa: E402  (found by the line above)
from tests.node import install  # noqa: E402

SOURCE = ROOT / "docs" / "site"
FOLDER = ROOT / "var" / "docs"
#: what is copied out of node_modules, and under which name
PROGRAMS = {
    "@asyncapi/react-component/browser/standalone/index.js": "asyncapi.js",
    "@asyncapi/react-component/styles/default.min.css": "asyncapi.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
}


def build(folder: Path = FOLDER) -> Path:
    """Write the pages; the first of them."""
    packages = install(SOURCE, ROOT / "var" / "node-site") / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in PROGRAMS.items():
        shutil.copyfile(packages / source, folder / name)
    for name in catalogue.NAMES:
        (folder / name).write_text(catalogue.text(name), encoding="utf-8")
    # a page that is opened from a disk may fetch nothing, so each document comes as a script too
    for name in ("asyncapi", "openapi"):
        script = f"const described = {json.dumps(catalogue.read(f'{name}.json'))};\n"
        (folder / f"{name}-document.js").write_text(script, encoding="utf-8")
    for page in ("events.html", "methods.html"):
        shutil.copyfile(SOURCE / page, folder / page)
    document = catalogue.read("openapi.json")
    index = (SOURCE / "index.html").read_text(encoding="utf-8")
    for word, text in (
        ("VERSION", document["info"]["version"]),
        ("EVENTS", str(len(catalogue.read("asyncapi.json")["components"]["messages"]))),
        ("METHODS", str(sum(path.startswith("/v1/") for path in document["paths"]))),
    ):
        index = index.replace(word, text, 1)
    (folder / "index.html").write_text(index, encoding="utf-8")
    return folder / "index.html"


if __name__ == "__main__":
    print(build())
