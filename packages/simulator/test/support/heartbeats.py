"""A bot in Python with the standard library only, which sleeps on the exchange's clock.

usage: heartbeats.py URL auto|manual [SECONDS]

Beats with one open order, for an hour or for SECONDS of the exchange's time. Then crashes, and lets the exchange verify
the run. Prints one line of JSON: its beats, the exchange's seconds, the host's seconds, and the verdicts.
"""

import base64
import hashlib
import hmac
import http.client
import json
import sys
import time
import urllib.parse

url, mode = sys.argv[1], sys.argv[2]
seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 3_600
connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc)
now = 0  # the exchange's time of the last answer


def send(method, path, body=None, headers=None):
    global now
    text = "" if body is None else json.dumps(body)
    connection.request(method, path, text or None, {"content-type": "application/json", **(headers or {})})
    response = connection.getresponse()
    now = int(response.headers["x-sim-now"])
    answer = json.loads(response.read())
    if response.status != 200:
        raise SystemExit(f"{method} {path}: {response.status} {answer}")
    return answer


def beat(countdown):
    path = "/api/v3/trade/countdown-cancel-all"
    body = {"countdown": countdown}
    text = f"{now}POST{path}{json.dumps(body)}"
    sign = base64.b64encode(hmac.new(b"test-secret-1000001", text.encode(), hashlib.sha256).digest()).decode()
    answer = send("POST", path, body, {
        "ACCESS-KEY": "test-key-1000001",
        "ACCESS-SIGN": sign,
        "ACCESS-TIMESTAMP": str(now),
        "ACCESS-PASSPHRASE": "test-passphrase-1000001",
    })
    if answer["code"] != "00000":
        raise SystemExit(f"refused: {answer}")


def sleep(ms):
    if mode == "auto":
        send("POST", "/_sim/clock/sleep", {"as": "bot", "ms": ms})
    else:
        send("POST", "/_sim/clock/advance", {"ms": ms})


began = time.monotonic()
if mode == "auto":
    send("POST", "/_sim/clock/holds", {"name": "bot"})
start = send("GET", "/_sim/clock")["now"]
send("POST", "/_sim/accounts/1000001/orders", {"side": "sell", "price": "61000"})

beats = 0
while now - start < seconds * 1_000:
    beat("10")
    beats += 1
    sleep(3_000)

send("POST", "/_sim/journal/marks", {"name": "crash"})
crashed = now
if mode == "auto":
    send("DELETE", "/_sim/clock/holds/bot")
    while send("GET", "/_sim/accounts/1000001")["switch"]["_tag"] == "Armed":
        pass
else:
    sleep(10_000)

verdict = send("POST", "/_sim/verify", {"expectations": [
    {"expect": "armedThroughout", "to": "crash"},
    {"expect": "beatsNeverFasterThan", "pace": 1_000},
    {"expect": "beatsNeverSlowerThan", "pace": 3_000, "to": "crash"},
    {"expect": "ordersCancelled", "within": 7_000, "after": "crash"},
    {"expect": "firedOnce", "after": "crash", "within": 7_000},
]})
print(json.dumps({
    "beats": beats,
    "simulated": (crashed - start) / 1_000,
    "seconds": round(time.monotonic() - began, 2),
    **verdict,
}))
