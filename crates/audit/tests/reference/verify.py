"""Checks an export with Python's hmac and hashlib, knowing nothing of the crate: python3 verify.py EXPORT KEY_FILE"""
import base64, hashlib, hmac, json, sys

KEY = base64.b64decode(open(sys.argv[2]).read())


def mac(*parts):
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()


def number(value):
    return value.to_bytes(8, "big", signed=True)


key_id, previous, count = mac(b"investiq.audit.key.v1")[:16], "00" * 32, 0
first, *lines, last = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
assert first == {"format": "investiq.audit.v1"}, first
for line in lines:
    count += 1
    texts = [line["actor"], line["action"], line["object"], "" if line["request_id"] is None else "=" + line["request_id"], line["detail"]]
    assert (line["sequence"], line["previous"], line["key"]) == (count, previous, key_id), line
    previous = mac(b"investiq.audit.entry.v1", bytes.fromhex(key_id), number(count), bytes.fromhex(previous),
                   number(line["at_us"]), *(text.encode() for text in texts))
    assert line["hash"] == previous, line
seal = mac(b"investiq.audit.head.v1", bytes.fromhex(key_id), number(count), bytes.fromhex(previous))
assert last == {"head": {"sequence": count, "hash": previous, "key": key_id, "seal": seal}}, last
print(f"intact: {count} entries, the last is {previous}")
