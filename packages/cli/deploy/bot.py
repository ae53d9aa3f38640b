"""A bot to try `deadman run` with: places one order far from the market, watches it, and cancels it when it is stopped.

Needs Python 3 only, and the variables that `deadman` reads.
"""

import base64
import hashlib
import hmac
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

BASE_URL = os.environ.get("BITGET_BASE_URL", "https://api.bitget.com")
PRICE = os.environ.get("PRICE", "20000")


def call(method, path, body=None):
    text = "" if body is None else json.dumps(body)
    timestamp = str(int(time.time() * 1000))
    payload = (timestamp + method + path + text).encode()
    secret = os.environ["BITGET_SECRET_KEY"].encode()
    headers = {
        "ACCESS-KEY": os.environ["BITGET_API_KEY"],
        "ACCESS-PASSPHRASE": os.environ["BITGET_PASSPHRASE"],
        "ACCESS-TIMESTAMP": timestamp,
        "ACCESS-SIGN": base64.b64encode(hmac.new(secret, payload, hashlib.sha256).digest()).decode(),
        "Content-Type": "application/json",
    }
    if os.environ.get("BITGET_DEMO_TRADING") == "true":
        headers["paptrading"] = "1"
    request = urllib.request.Request(BASE_URL + path, text.encode() or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        answer = json.load(error)
    if answer["code"] != "00000":
        raise RuntimeError(f"{path}: {answer['code']} {answer['msg']}")
    return answer["data"]


def stop(*_):
    # One exception ends the loop; `deadman` sends a stop once.
    raise SystemExit(0)


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)

order = call(
    "POST",
    "/api/v3/trade/place-order",
    {
        "category": "USDT-FUTURES",
        "symbol": "BTCUSDT",
        "side": "buy",
        "orderType": "limit",
        "qty": "0.001",
        "price": PRICE,
        "timeInForce": "gtc",
    },
)
print(f"placed order {order['orderId']}", flush=True)
try:
    while True:
        time.sleep(1)
        if "KICK_FILE" in os.environ:
            open(os.environ["KICK_FILE"], "w").close()
finally:
    # Exit code 0 turns the switch off, so nothing may be left in the book.
    call("POST", "/api/v3/trade/cancel-order", {"orderId": order["orderId"]})
    print("cancelled the order", file=sys.stderr, flush=True)
