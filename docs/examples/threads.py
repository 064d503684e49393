"""Python with threads: any number of them share one client. Needs kundval-contracts and nothing else."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread

from kundval_contracts.client import Client
from kundval_contracts.errors import FactRefused, KundvalError

TENANT = os.environ["TENANT"]
listening = Signal()


def follow(client: Client) -> None:
    """Wait for the event that tells of our fact."""
    for event in client.events(["assignment"], names="assignment.contact", timeout=30, ready=listening.set):
        if event.tenant == TENANT and event.data["fact_id"] == "threads-1":
            print("heard", event.name, "of", event.subject, "on", event.data["on"])
            return


def main() -> None:
    with Client(os.environ["KUNDVAL_AMQP_URI"], os.environ["KUNDVAL_TOKEN"]) as client:
        follower = Thread(target=follow, args=[client], daemon=True)
        follower.start()
        listening.wait(10)

        with ThreadPoolExecutor(2) as pool:  # two questions at once, over one connection
            state = pool.submit(client.call, "assignment.state", tenant=TENANT, assignment="A-1")
            due = pool.submit(lambda: list(client.rows("scheduling.obligations", tenant=TENANT, assignment="A-1")))
        print("A-1 is", state.result()["state"], "with obligations:", sorted({row["kind"] for row in due.result()})[:1])

        fact = {"assignment": "A-1", "id": "threads-1", "fact": "contact", "on": "2024-04-02", "channel": "PHONE"}
        for _ in range(2):  # as after a lost answer: the same key, so one effect and the same answer
            answer = client.call("assignment.record_facts", tenant=TENANT, facts=[fact], idempotency_key="threads-1")
            print("stated", answer["recorded"])

        try:
            early = {**fact, "id": "threads-2", "on": "2024-03-01"}  # before there was a decision
            client.call("assignment.record_facts", tenant=TENANT, facts=[early])
        except FactRefused as error:
            print("refused", error.code, *error.rules)
        except KundvalError as error:
            print(error.kind, error.code, error.faults)
        follower.join()


if __name__ == "__main__":
    main()
