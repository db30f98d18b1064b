"""Writes chain.jsonl with Python's hmac and hashlib, knowing nothing of the crate: python3 chain.py > chain.jsonl"""
import hashlib, hmac, json

KEY = bytes(range(32))


def mac(*parts):
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(KEY, message, hashlib.sha256).digest()


def number(value):
    return value.to_bytes(8, "big", signed=True)


ENTRIES = [
    (1767366245000006, "provider:bridge", "webhooks.receive", "batch", "req-1", '{"events":[{"id":"e1","sha256":"00ff"}]}'),
    (1767366245000007, "operator:Zoë", "webhooks.replay", "bridge/transfer", None, '{"events":3,"note":"line\\nend \\"quoted\\""}'),
    (-1, "worker:apply", "ledger.post", "transfer/bridge:abc", "", "null"),
]
key_id, previous = mac(b"investiq.audit.key.v1")[:8], bytes(32)


def line(value):
    print(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


line({"format": "investiq.audit.v1"})
for place, (at, actor, action, target, request, detail) in enumerate(ENTRIES, 1):
    texts = [actor.encode(), action.encode(), target.encode(), b"" if request is None else b"=" + request.encode(), detail.encode()]
    own = mac(b"investiq.audit.entry.v1", key_id, number(place), previous, number(at), *texts)
    line({"sequence": place, "at_us": at, "actor": actor, "action": action, "object": target, "request_id": request,
          "detail": detail, "previous": previous.hex(), "key": key_id.hex(), "hash": own.hex()})
    previous = own
seal = mac(b"investiq.audit.head.v1", key_id, number(len(ENTRIES)), previous)
line({"head": {"sequence": len(ENTRIES), "hash": previous.hex(), "key": key_id.hex(), "seal": seal.hex()}})
