"""Drives the control API of the simulated exchange, with Python's standard library only.

usage: control.py URL      the exchange must run with --clock manual

Plays a bot that beats every three seconds, loses an answer, and crashes with two open orders. Then lets the exchange
verify that they are gone in time. Prints the verdicts, and exits with 1 when one of them does not hold.
"""

import json
import sys
import urllib.error
import urllib.request

BASE = sys.argv[1].rstrip("/")
ACCOUNT = "/accounts/1000001"


def call(method, path, body=None):
    """One call of the control API. An error says what to do in its message."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/_sim{path}", data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {json.load(error)['message']}")


def beat():
    call("POST", f"{ACCOUNT}/beat", {"countdown": "10"})
    call("POST", "/clock/advance", {"ms": "3 seconds"})


beat()
for side, price in ("buy", "49900"), ("sell", "50100"):
    call("POST", f"{ACCOUNT}/orders", {"side": side, "price": price})
beat()
call("POST", "/faults", {"fault": "drop-answer;times=1"})
beat()

call("POST", "/journal/marks", {"name": "crash", "account": "1000001"})
call("POST", "/clock/advance", {"ms": "10 seconds"})

result = call("POST", "/verify", {"expectations": [
    {"expect": "armedThroughout", "to": "crash"},
    {"expect": "ordersCancelled", "within": "10 seconds", "after": "crash"},
]})
for verdict in result["verdicts"]:
    print("holds " if verdict["holds"] else "BROKEN", verdict["expect"], verdict.get("report", ""))
sys.exit(0 if result["holds"] else 1)
