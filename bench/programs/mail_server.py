"""A mail server in a process of its own: takes everything at once, counts it, and hands out what it took."""

import base64
import json
import re
import socket
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench import child

HOST = "127.0.0.1"
_ID = re.compile(rb"^Message-ID: (.*?)\r?$", re.MULTILINE)


class Box:
    """What the server took since it was emptied."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 2.0.0 OK"

    def count(self) -> dict[str, Any]:
        """How many mails, of how many Message-IDs, to how many addresses."""
        ids = {_ID.findall(_bytes(one))[0] for one in self.mails}
        return {"mails": len(self.mails), "ids": len(ids), "addresses": len({one.rcpt_tos[0] for one in self.mails})}

    def empty(self) -> None:
        self.mails.clear()

    def write(self, file: str) -> dict[str, Any]:
        """The mails as lines of a file, for who sends the same."""
        with Path(file).open("w", encoding="ascii") as out:
            for one in self.mails:
                content = base64.b64encode(_bytes(one)).decode()
                out.write(json.dumps([one.mail_from, one.rcpt_tos[0], content]) + "\n")
        return {"bytes": sum(len(_bytes(one)) for one in self.mails)}


def _bytes(mail: Envelope) -> bytes:
    assert isinstance(mail.content, bytes)
    return mail.content


def main() -> None:
    child.parameters()
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    box = Box()
    controller = Controller(box, HOST, port)
    controller.start()
    child.serve({"port": lambda: {"port": port}, "count": box.count, "empty": box.empty, "write": box.write})
    controller.stop()


if __name__ == "__main__":
    main()
