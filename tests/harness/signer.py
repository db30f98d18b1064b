"""Signs deliveries as providers do, without any code of this product.

Reads a JSON request per line and writes a JSON response per line. `cryptography` does RSA, ECDSA and X.509, the standard
library HMAC. A timestamped HMAC header is returned only when Stripe's library, whose scheme it is, accepts it. Bytes are
Base64. Keys are generated in this process and exist only there.
"""

import base64
import datetime
import hashlib
import hmac
import json
import sys

import stripe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Order of the group of P-256 (FIPS 186-4, D.1.2.3): s and its negative sign the same message.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
keys, certificates = {}, {}


def spki(key, encoding):
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def key(name, kind, **_):
    """Returns the key of this name, generated at first use."""
    if name not in keys:
        keys[name] = ec.generate_private_key(CURVES[kind]) if kind in CURVES else rsa.generate_private_key(65537, int(kind))
    return {"pem": spki(keys[name], serialization.Encoding.PEM).decode(),
            "der": base64.b64encode(spki(keys[name], serialization.Encoding.DER)).decode(),
            "private_pem": keys[name].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()).decode()}


def alpaca(secret, body, t=None, **_):
    """`t=…,v1=…` over `t.body`, or bare hex over the body when there is no time."""
    if t is None:
        return {"header": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    v1 = hmac.new(secret.encode(), str(t).encode() + b"." + body, hashlib.sha256).hexdigest()
    header = f"t={t},v1={v1}"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"header": header}
    if not str(t).isdigit() or str(int(t)) != str(t):
        return {"header": header}  # a malformed time, for a test of its rejection
    stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None)
    return {"header": header}


def bridge(key, body, t, scheme="double", **_):
    signed = str(t).encode() + b"." + body
    digest = hashlib.sha256(signed).digest()
    private = keys[key]
    if scheme == "double":
        signature = private.sign(digest, padding.PKCS1v15(), hashes.SHA256())
    elif scheme == "single":
        signature = private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    elif scheme == "pss":
        signature = private.sign(digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    elif scheme == "sha1":
        signature = private.sign(digest, padding.PKCS1v15(), hashes.SHA1())
    elif scheme == "sha512":
        signature = private.sign(digest, padding.PKCS1v15(), hashes.SHA512())
    else:
        raise ValueError(scheme)
    return {"header": f"t={t},v0={base64.b64encode(signature).decode()}"}


def circle(key, body, form="der", **_):
    signature = keys[key].sign(body, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    if form == "raw":
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif form in ("high_s", "low_s"):
        signature = encode_dss_signature(r, max(s, P256_ORDER - s) if form == "high_s" else min(s, P256_ORDER - s))
    elif form == "zero_r":
        signature = encode_dss_signature(0, s)
    elif form == "zero_s":
        signature = encode_dss_signature(r, 0)
    elif form == "trailing":
        signature += b"\0"
    return {"header": base64.b64encode(signature).decode()}


NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]


def sns(key, message, version="1", algorithm=None, **_):
    """Adds SignatureVersion and Signature to an SNS message. `algorithm` overrides the version's digest."""
    fields = NOTIFICATION if message["Type"] == "Notification" else CONFIRMATION
    text = "".join(f"{field}\n{message[field]}\n" for field in fields if message.get(field) is not None)
    digest = hashes.SHA1() if (algorithm or version) == "1" else hashes.SHA256()
    signature = keys[key].sign(text.encode(), padding.PKCS1v15(), digest)
    return {"message": {**message, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}}


def certificate(name, key, common_name, names=(), days=(-1, 30), issuer=None, **_):
    """A key's certificate: of an authority without an issuer, else of a server, signed by the issuer."""
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    above = certificates[issuer][0].subject if issuer else subject
    signer = keys[certificates[issuer][1]] if issuer else keys[key]
    built = (x509.CertificateBuilder().subject_name(subject).issuer_name(above).public_key(keys[key].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True))
    if issuer:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    built = built.sign(signer, hashes.SHA256())
    certificates[name] = (built, key)
    return {"pem": built.public_bytes(serialization.Encoding.PEM).decode()}


OPERATIONS = {each.__name__: each for each in (key, alpaca, bridge, circle, sns, certificate)}

for line in sys.stdin:
    request = json.loads(line)
    if "body" in request:
        request["body"] = base64.b64decode(request["body"])
    try:
        response = OPERATIONS[request.pop("op")](**request)
    except Exception as error:  # the calling test reports it
        response = {"error": repr(error)}
    print(json.dumps(response), flush=True)
