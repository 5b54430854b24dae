"""scan.py - looks for what is personal in what stands on a disk.

scan.py needles SERVER CA CERT KEY SAMPLES...: every ID number and USCC of these files, and every name that the gateway
tells of them, a line each.
scan.py search NEEDLES PATH...: says where one of them stands, in UTF-8, GB18030 or UTF-16, as it is, in hexadecimal or
in base64; exit 1 where one does, 0 where none does, 2 where it looked at nothing.
"""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dX](?![0-9A-Za-z])")
USCC = re.compile(r"(?<![0-9A-Za-z])9[1-3]\d{6}MA[0-9A-HJ-NPQRTUWXY]{8}(?![0-9A-Za-z])")


def text_of(path):
    data = open(path, "rb").read()
    for charset in ("utf-8", "gb18030"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def query(server, context, subject):
    body = json.dumps({"subject": subject}).encode()
    request = urllib.request.Request(
        server + "/v1/identities/query", body, {"Content-Type": "application/json", "Bidui-Purpose": "verification"}
    )
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        return json.load(answer)


def names_in(node):
    """Values of the fields called name, wherever they stand."""
    if isinstance(node, dict):
        field = node.get("field")
        if isinstance(field, str) and field.endswith("name") and isinstance(node.get("value"), str):
            yield node["value"]
        for key, value in node.items():
            if key.endswith("name") and isinstance(value, str):
                yield value
            yield from names_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from names_in(item)


def needles(server, ca, cert, key, *paths):
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    found = set()
    for path in paths:
        text = text_of(path)
        for number in ID.findall(text):
            found.add((number, "resident_id"))
        for number in USCC.findall(text):
            found.add((number, "uscc"))
    told = set()
    for number, kind in sorted(found):
        entity = "person" if kind == "resident_id" else "organization"
        subject = {"entity": entity, "uscc": number}
        if kind == "resident_id":
            subject = {"entity": entity, "id_type": kind, "id_no": number}
        try:
            told.update(names_in(query(server, context, subject)))
        except urllib.error.HTTPError:
            continue
    for name in sorted({number for number, _ in found} | {n for n in told if re.search("[\u4e00-\u9fff]", n)}):
        if len(name) >= 3:
            print(name)


def forms(text):
    """A needle as it may stand: bytes by the name of their form."""
    for charset in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
        raw = text.encode(charset)
        yield charset, raw
        yield charset + " in hexadecimal", raw.hex().encode()
        yield charset + " in HEXADECIMAL", raw.hex().upper().encode()
        # What stands before it moves it by no, one or two bytes: those digits that it alone decides.
        for before in range(3):
            digits = base64.b64encode(b"\0" * before + raw + b"\0\0")
            first = (before * 8 + 5) // 6
            last = (before + len(raw)) * 8 // 6
            yield f"{charset} in base64", digits[first:last]


def files_of(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            for name in names:
                yield os.path.join(folder, name)


def without_holes(path, folder):
    """The file itself, or a copy of what was ever written to it: the salts have room for all that may come."""
    status = os.stat(path)
    if status.st_blocks * 512 * 2 >= status.st_size:
        return path
    dense = os.path.join(folder, str(len(os.listdir(folder))))
    with open(path, "rb") as file, open(dense, "wb") as out:
        at = 0
        while at < status.st_size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            out.write(os.pread(file.fileno(), end - at, at))
            at = end
    return dense


def search(list_path, *paths):
    words = [line.rstrip("\n") for line in open(list_path, encoding="utf-8")]
    wanted = {}
    for word in words:
        for form, raw in forms(word):
            if len(raw) >= 6:
                wanted.setdefault(raw, (word, form))
    broken = [raw for raw in wanted if b"\n" in raw]  # grep takes a pattern a line
    with tempfile.TemporaryDirectory() as folder:
        patterns = os.path.join(folder, "patterns")
        with open(patterns, "wb") as out:
            out.write(b"".join(raw + b"\n" for raw in wanted if raw not in broken))
        files = {without_holes(path, folder): path for path in files_of(paths)}
        if not words or not files:
            print("nothing to look for, or nowhere")
            return 2
        told = subprocess.run(
            ["grep", "-laF", "-f", patterns, "--", *files], env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE, check=False,
        )
        if told.returncode > 1:
            return 2
        bad = set(told.stdout.decode().splitlines())
        for path in files:
            data = open(path, "rb").read() if path in bad or broken else b""
            for raw in wanted if path in bad else broken:
                if raw in data:
                    word, form = wanted[raw]
                    print(f"{files[path]}: {word[:1]}... of {len(word)} characters, {form}")
                    bad.add(path)
                    break
        return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1] == "needles":
        needles(*sys.argv[2:])
    else:
        sys.exit(search(*sys.argv[2:]))
