"""The least for sending mails: ready-made ones in a plain loop over one connection of smtplib. Nothing is recorded."""

import base64
import json
import smtplib
import time
from pathlib import Path
from typing import Any

from bench import child

Mail = tuple[str, str, bytes]


class Loop:
    def __init__(self, port: int):
        self._port = port
        self._mails: list[Mail] = []

    def load(self, file: str) -> dict[str, Any]:
        """Read the mails to be sent."""
        with Path(file).open(encoding="ascii") as lines:
            rows = [json.loads(line) for line in lines]
        self._mails = [(sender, recipient, base64.b64decode(content)) for sender, recipient, content in rows]
        return {"mails": len(self._mails)}

    def send(self) -> dict[str, Any]:
        began, cpu = time.monotonic(), time.process_time()
        with smtplib.SMTP("127.0.0.1", self._port) as server:
            for mail in self._mails:
                server.sendmail(*mail)
        return {"seconds": time.monotonic() - began, "python": time.process_time() - cpu, "mails": len(self._mails)}


def main() -> None:
    given = child.parameters()
    loop = Loop(given["port"])
    child.serve({"load": loop.load, "send": loop.send})


if __name__ == "__main__":
    main()
