#!/bin/sh
# curl and the HTTP gateway: for every system that speaks neither AMQP nor Python.
set -eu
: "${GATEWAY:=http://127.0.0.1:${KUNDVAL_GATEWAY_HTTP_PORT:?}}"

# ask SERVICE/METHOD REQUEST [IDEMPOTENCY-KEY]: the answer, or the problem, and its status on a line of its own
ask() {
    curl --silent --show-error --max-time 60 --retry 3 \
        --header "Authorization: Bearer $KUNDVAL_TOKEN" \
        --header "Content-Type: application/json" \
        ${3:+--header "Idempotency-Key: $3"} \
        --data "$2" --write-out '\n%{http_code}\n' "$GATEWAY/v1/$1"
}

contact='{"assignment": "A-1", "id": "curl-1", "fact": "contact", "on": "2024-04-05", "channel": "IN_PERSON"}'
early='{"assignment": "A-1", "id": "curl-2", "fact": "contact", "on": "2024-03-01"}'

ask assignment/state "{\"tenant\": \"$TENANT\", \"assignment\": \"A-1\"}"

# as after a lost answer: the same key, so one effect and the same answer
ask assignment/record_facts "{\"tenant\": \"$TENANT\", \"facts\": [$contact]}" curl-1
ask assignment/record_facts "{\"tenant\": \"$TENANT\", \"facts\": [$contact]}" curl-1

# before there was a decision: refused by the rules, with 422 and application/problem+json, whose "code" and "rules" are for programs
ask assignment/record_facts "{\"tenant\": \"$TENANT\", \"facts\": [$early]}" curl-2
