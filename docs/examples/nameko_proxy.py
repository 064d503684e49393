"""nameko's own client. Events a nameko service hears with nameko's event handler: see docs/how-to/integrate.md."""

import os

from nameko.standalone.rpc import ClusterRpcProxy

from kundval_contracts.errors import FactRefused, register_with_nameko

TENANT = os.environ["TENANT"]
CONFIG = {"AMQP_URI": os.environ["KUNDVAL_AMQP_URI"]}
TOKEN = {"auth_token": os.environ["KUNDVAL_TOKEN"]}


def state_fact(key: str, **fact: str) -> int:
    """State one fact about A-1; how many were recorded. The key is context data, so it has a proxy of its own."""
    with ClusterRpcProxy(CONFIG, context_data={**TOKEN, "idempotency_key": key}, timeout=30) as suite:
        answer = suite.assignment.record_facts(tenant=TENANT, facts=[{"assignment": "A-1", "id": key, **fact}])
    return answer["recorded"]


def main() -> None:
    register_with_nameko()  # so that errors arrive as their classes
    with ClusterRpcProxy(CONFIG, context_data=TOKEN, timeout=30) as suite:
        print("A-1 is", suite.assignment.state(tenant=TENANT, assignment="A-1")["state"])
    for _ in range(2):  # as after a lost answer: the same key, so one effect and the same answer
        print("stated", state_fact("nameko-1", fact="contact", on="2024-04-04", channel="OTHER"))
    try:
        state_fact("nameko-2", fact="contact", on="2024-03-01")  # before there was a decision
    except FactRefused as error:
        print("refused", error.code, *error.rules)


if __name__ == "__main__":
    main()
