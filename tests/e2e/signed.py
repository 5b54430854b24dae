#!/usr/bin/env python3
"""Signs requests as doc/senders.md says, with nothing but Python's own library: for the tests, and for who writes a client.

    signed.py --key-id ID --key-file FILE METHOD URL [BODY-FILE]    prints the headers as curl's -H takes them, one a line

Faults for the tests: --created SECONDS, --nonce TEXT, --cover NAME,... in place of what is right.
"""
import argparse
import base64
import hashlib
import hmac
import pathlib
import secrets
import time
import urllib.parse


def sign(key, key_id, method, path, query, body, fields=(), created=None, nonce=None, cover=None):
    """[(name, value)] to add to a request; fields: those it has already, which are signed too."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    fields = [(name.lower(), value) for name, value in fields] + [("content-digest", f"sha-256=:{digest}:")]
    known = {"@method": method, "@path": path, "@query": "?" + query, **dict(fields)}
    covered = cover or ["@method", "@path", "@query"] + [name for name, _ in fields]
    parameters = "({});created={};keyid=\"{}\";nonce=\"{}\";alg=\"hmac-sha256\"".format(
        " ".join(f'"{name}"' for name in covered),
        int(time.time()) if created is None else created,
        key_id,
        nonce or secrets.token_urlsafe(16),
    )
    lines = [f'"{name}": {known[name]}' for name in covered] + [f'"@signature-params": {parameters}']
    mac = base64.b64encode(hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()).decode()
    return fields[-1:] + [("Signature-Input", "sig=" + parameters), ("Signature", f"sig=:{mac}:")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--key-file", type=pathlib.Path, required=True)
    parser.add_argument("--created", type=int)
    parser.add_argument("--nonce")
    parser.add_argument("--cover", type=lambda text: text.split(","))
    parser.add_argument("--field", action="append", default=[], help="NAME: VALUE that the request has")
    parser.add_argument("method")
    parser.add_argument("url")
    parser.add_argument("body", nargs="?", type=pathlib.Path)
    given = parser.parse_args()
    url = urllib.parse.urlsplit(given.url)
    headers = sign(
        bytes.fromhex(given.key_file.read_text().strip()),
        given.key_id,
        given.method,
        url.path,
        url.query,
        given.body.read_bytes() if given.body else b"",
        [tuple(field.split(": ", 1)) for field in given.field],
        given.created,
        given.nonce,
        given.cover,
    )
    for name, value in headers:
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
