"""hostile.py - sends bad inputs to a running gateway and looks at how each is refused.

--inputs FOLDER: the messages that tests/unit/test_hostile_many wrote (FOLDER/list: NUMBER FEED "gzip" or "-").
Questions are made here, of the cases of the matters, by a generator with a fixed seed. Prints what was taken or
refused wrongly, and how many there were; the exit is 0 when nothing was wrong.
"""

import argparse
import glob
import http.client
import json
import random
import re
import ssl
import sys

LEAST = 300
QUESTIONS = 120
# Said of a message as a whole: there is no one place.
WHOLE = ("message.empty", "snapshot.share")
VALUES = re.compile("440311|林|示例|MAXXXXX")


def codes(top):
    with open(f"{top}/gateway/base/codes.def", encoding="utf-8") as file:
        return dict(re.findall(r'^BD_CODE\(\w+, "([^"]+)", (\d+)', file.read(), re.M))


def questions(top, count):
    """(what, bytes): a question that is no JSON any more, or has what no question has."""
    draw = random.Random(20261126)
    files = sorted(glob.glob(f"{top}/schemas/matters/*/cases/*.json"))
    pieces = [b"\0", b"\xff", b",", b"}", b"]", b'"', b"{", b"'", b"\xef\xbb\xbf", b"NaN", b"01"]
    for number in range(count):
        with open(draw.choice(files), encoding="utf-8") as file:
            good = json.dumps(json.load(file)["question"], ensure_ascii=False).encode()
        kind = number % 4
        if kind == 0:
            yield "cut", good[: draw.randrange(1, len(good))]
        elif kind == 1:
            places = [m.end() for m in re.finditer(rb'[{,:](?= ?["{\[])', good)]
            at = draw.choice(places)
            yield "a piece", good[:at] + draw.choice(pieces) + good[at:]
        elif kind == 2:
            yield "a key twice", good.replace(b"{", b'{"matter": "x", ', 1)
        else:
            yield "an unknown member", good.replace(b"{", b'{"no_such_member_%d": 1, ' % number, 1)


def wrong_with(status, kind, body, known):
    """None, or what is wrong with a refusal."""
    if not 400 <= status <= 499:
        return f"status {status}"
    if VALUES.search(body):
        return "a value comes back"
    answer = json.loads(body)
    if answer.get("code") not in known:
        return f"code {answer.get('code')}"
    if kind == "application/problem+json":
        if known[answer["code"]] != str(status):
            return f"{answer['code']} with status {status}"
        if not answer["hint"]:
            return "no hint"
        errors = answer["errors"]
    else:
        errors = answer["rejects"]
        if answer["accepted"] != 0:
            return "something was accepted"
    places = ("line", "row", "path", "pointer", "offset")
    if not any(error.get(place) not in (None, 0, "") for error in errors for place in places):
        return None if answer["code"] in WHOLE else f"{answer['code']} without a place"
    return None


def main():
    parser = argparse.ArgumentParser()
    for name in ("top", "port", "tls", "inputs"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=f"{options.tls}/ca.crt")
    context.load_cert_chain(f"{options.tls}/client.crt", f"{options.tls}/client.key")
    known = codes(options.top)
    connection = http.client.HTTPSConnection("127.0.0.1", int(options.port), context=context, timeout=60)
    wrong = sent = 0

    def send(what, path, body, headers):
        nonlocal wrong, sent
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8")
        fault = wrong_with(answer.status, answer.headers.get_content_type(), text, known)
        sent += 1
        if fault is not None:
            wrong += 1
            print(f"{what}: {fault}")

    with open(f"{options.inputs}/list", encoding="ascii") as file:
        for line in file:
            number, feed, coding = line.split()
            with open(f"{options.inputs}/{number}", "rb") as message:
                headers = {"Content-Encoding": "gzip"} if coding == "gzip" else {}
                send(f"message {number} of {feed}", f"/v1/sources/{feed}", message.read(), headers)
    for what, body in questions(options.top, QUESTIONS):
        send(f"question, {what}", "/v1/compare", body, {"Content-Type": "application/json", "Bidui-Purpose": "verification"})
    print(f"{sent} inputs, {wrong} refused wrongly")
    return 0 if wrong == 0 and sent >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
