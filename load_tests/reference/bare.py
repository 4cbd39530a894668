"""`bare`: the loop that most people would write. It understands nothing.

consume(1000) → orjson.loads → two more fields → orjson.dumps → produce; each second flush and
commit, or commit a transaction. A delivery callback looks at each answer: after a flush alone, a
record that Kafka refused would be committed as if it were out, and the worker never does that.
"""

from __future__ import annotations

import time

import orjson

from load_tests.reference import loop


def transform(value: bytes) -> bytes:
    event = orjson.loads(value)
    event["normalized_query"] = event["query"]
    event["processed_at"] = time.time_ns() // 1_000_000
    return orjson.dumps(event)


if __name__ == "__main__":
    loop.main(transform, {"on_delivery": loop.fail})
