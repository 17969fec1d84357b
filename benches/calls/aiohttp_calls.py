"""Signed refunds through aiohttp, many at once, without a journal: what a script of an afternoon does.

aiohttp_calls.py URL ORDERS.csv CALLS CONNECTIONS CLIENT_ID SECRET_KEY
"""

import asyncio
import base64
import csv
import datetime
import hashlib
import hmac
import itertools
import json
import sys
import uuid

import aiohttp

TARGET = "/akulaku-peer-to-peer/v2/refund"


async def work(session, url, rows, client_id, key, done):
    for row in rows:
        body = json.dumps(
            {
                "order": {"invoice_number": row["invoice_number"]},
                "payment": {
                    "merchant_unique_reference": row["payment_reference"],
                    "identifier": [
                        {"name": "ORDER_ID", "value": row["order_id"]},
                        {"name": "AKULAKU_UNIQUE_REFERENCE", "value": row["akulaku_reference"]},
                    ],
                },
                "refund": {"merchant_unique_reference": str(uuid.uuid4())},
            },
            separators=(",", ":"),
        ).encode()
        request_id = str(uuid.uuid4())
        timestamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        signed = (
            f"Client-Id:{client_id}\nRequest-Id:{request_id}\nRequest-Timestamp:{timestamp}\n"
            f"Request-Target:{TARGET}\nDigest:{digest}"
        )
        signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "Client-Id": client_id,
            "Request-Id": request_id,
            "Request-Timestamp": timestamp,
            "Signature": f"HMACSHA256={signature}",
        }
        async with session.post(url + TARGET, data=body, headers=headers) as answer:
            said = await answer.json()
        if answer.status == 200 and said["refund"]["status"] == "SUCCESS":
            done.append(said["order"]["invoice_number"])


async def main(url, orders, calls, connections, client_id, secret_key):
    done = []
    with open(orders, newline="") as file:
        # All workers take their rows from the one reader.
        rows = itertools.islice(csv.DictReader(file), int(calls))
        connector = aiohttp.TCPConnector(limit=int(connections))
        async with aiohttp.ClientSession(connector=connector) as session:
            workers = [work(session, url, rows, client_id, secret_key.encode(), done) for _ in range(int(connections))]
            await asyncio.gather(*workers)
    print(json.dumps({"succeeded": len(set(done))}))


asyncio.run(main(*sys.argv[1:]))
