#!/usr/bin/env python3
"""Holds schemas/openapi.yaml and a running biduid against each other, in both directions. TAP; contract.sh runs it.

Sent are: every example of the contract, the requests of contract.yaml, to every operation what no operation
takes (no certificate, no role, broken framing), and the hostile messages of tests/hostile/intake. Each answer must
have a documented status, type, headers and body. Then what is documented and was never answered is an error, unless
contract.yaml says why it cannot be provoked.
"""
import argparse
import base64
import gzip
import http.client
import json
import pathlib
import re
import ssl
import sys
import time
import urllib.parse

import jsonschema
import yaml

from signed import sign

TRANSPORT_HEADERS = {"date", "content-length", "connection", "transfer-encoding"}
# How often and how long after one another something is asked `until` it is so.
TRIES, PAUSE_S = 200, 0.1
METHODS = ("get", "put", "post", "delete", "patch")
# Of a documented answer, what each run makes anew: numbers of receipts, what is called by them, and times.
VOLATILE = {"receipt", "id", "upload", "expires", "message", "at", "received", "as_of", "last_received", "complete_through", "recall", "dispute", "raised", "due", "closed", "next"}
# Digests, what is signed, and where in a tree it stands: of whatever type.
VOLATILE_ALWAYS = {"seq", "request", "digest", "commitment", "entry", "leaf", "path", "body", "signature", "key"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.getheaders()]
        self.body = response.read()

    def header(self, name):
        values = [value for known, value in self.headers if known == name]
        return values[0] if len(values) == 1 else None

    def media_type(self):
        return (self.header("content-type") or "").split(";")[0].strip()


def no_repeats(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def parse(text):
    return json.loads(text, object_pairs_hook=no_repeats)


class Client:
    """One sender; `name` is that of its certificate in the folder, None = without one."""

    def __init__(self, port, folder, name):
        self.port = port
        self.context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        if name:
            self.context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")

    def ask(self, method, target, headers, body):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        try:
            connection.request(method, target, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask_raw(self, request):
        """Bytes as they are: what no client library would send."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        try:
            connection.connect()
            connection.sock.sendall(request)
            response = http.client.HTTPResponse(connection.sock)
            response.begin()
            return Answer(response)
        finally:
            connection.close()


class Watched:
    """A client all of whose answers must have left an entry in the trail, but where anyone may ask. What a stranger
    is refused, and what is no request at all, is entered once a second, with the number of the others; what is
    answered later is entered later."""

    def __init__(self, client, watcher, unentered, said):
        self.client, self.watcher, self.unentered, self.said = client, watcher, unentered, said

    def entries(self):
        figures = self.watcher.ask("GET", "/metrics", {}, None).body.decode()
        return int(re.search(r"^bidui_trail_entries (\d+)$", figures, re.M).group(1))

    def ask(self, method, target, headers, body):
        before = self.entries()
        answer = self.client.ask(method, target, headers, body)
        if problem_code(answer):
            self.said.write(answer.body + b"\n")
        if target.startswith("/v1/") and problem_code(answer) != "auth.unknown" and answer.status != 202:
            if self.entries() == before:
                self.unentered.append(f"{method} {target}: {answer.status} {problem_code(answer) or ''}")
        return answer

    def ask_raw(self, request):
        return self.client.ask_raw(request)


class PlainClient:
    """Whoever speaks on the plaintext listener."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, target, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()


class Contract:
    def __init__(self, document):
        self.document = document
        self.operations = {}
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method], path=path, method=method.upper())
                    operation["parameters"] = [
                        self.resolve(parameter)
                        for parameter in item.get("parameters", []) + item[method].get("parameters", [])
                    ]
                    self.operations[operation["operationId"]] = operation

    def resolve(self, node):
        while "$ref" in node:
            pointer, node = node["$ref"], self.document
            for part in pointer.lstrip("#/").split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def faults_of(self, schema, value):
        whole = {"components": self.document["components"], "allOf": [schema]}
        validator = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is None:
            return []
        place = "/".join(str(part) for part in error.absolute_path)
        return [f"/{place}: {error.message[:300]}"]

    def faults_of_lines(self, schema, text):
        faults = []
        for number, line in enumerate(text.splitlines(), 1):
            faults += [f"line {number}{fault}" for fault in self.faults_of(schema, parse(line))]
        return faults

    def faults_of_headers(self, response, answer):
        documented = {name.lower(): self.resolve(header) for name, header in response.get("headers", {}).items()}
        faults = []
        for name, value in answer.headers:
            if name in documented:
                faults += [f"{name}: {fault}" for fault in self.faults_of(documented[name]["schema"], value)]
            elif name not in TRANSPORT_HEADERS and name != "content-type":
                faults.append(f"header {name} is not documented")
        for name, header in documented.items():
            if header.get("required") and answer.header(name) is None:
                faults.append(f"header {name} is missing")
        return faults

    def faults_of_answer(self, responses, answer):
        response = responses.get(str(answer.status))
        if response is None:
            return [f"status {answer.status} is not documented: {answer.body[:300]!r}"]
        if answer.status == 204 and "content" not in response:
            return self.faults_of_headers(response, answer) + (["there is a body"] if answer.body else [])
        content = response.get("content", {}).get(answer.media_type())
        if content is None:
            return [f"type {answer.media_type()} is not documented for {answer.status}"]
        faults = self.faults_of_headers(response, answer)
        try:
            if "x-line-schema" in content:
                faults += self.faults_of_lines(content["x-line-schema"], answer.body.decode("utf-8"))
            elif answer.media_type().endswith("json"):
                faults += self.faults_of(content["schema"], parse(answer.body))
            else:
                faults += self.faults_of(content["schema"], answer.body.decode("utf-8"))
        except ValueError as error:
            faults.append(f"body: {error}")
        return faults


def member_of(value, path):
    """What stands below "obligations/0/id"; None = nothing."""
    for part in path.split("/"):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def problem_code(answer):
    if answer.media_type() != "application/problem+json":
        return None
    return parse(answer.body).get("code")


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def report(self, name, faults):
        self.count += 1
        self.failed += bool(faults)
        print(f'{"not ok" if faults else "ok"} {self.count} - {name}')
        for fault in faults[:20]:
            print(f"# {fault}")
        sys.stdout.flush()


def without_volatile(value):
    if isinstance(value, dict):
        return {
            name: without_volatile(item)
            for name, item in value.items()
            if name not in VOLATILE_ALWAYS | {"age_s"}
            and not (name in VOLATILE and isinstance(item, str))
            and not (name == "version" and isinstance(item, int))  # of a statement: counts the messages before it
        }
    if isinstance(value, list):
        return [without_volatile(item) for item in value]
    return value


def difference(documented, got, place=""):
    """The first place where they differ, None = they are the same."""
    if type(documented) is not type(got):
        return f"{place}: documented {documented!r}, answered {got!r}"
    if isinstance(documented, dict):
        if list(documented) != list(got):
            return f"{place}: documented {list(documented)}, answered {list(got)}"
        pairs = [(name, documented[name], got[name]) for name in documented]
    elif isinstance(documented, list):
        if len(documented) != len(got):
            return f"{place}: documented {len(documented)} items, answered {len(got)}"
        pairs = [(str(i), *pair) for i, pair in enumerate(zip(documented, got))]
    else:
        return None if documented == got else f"{place}: documented {documented!r}, answered {got!r}"
    return next(filter(None, (difference(a, b, f"{place}/{name}") for name, a, b in pairs)), None)


class Run:
    def __init__(self, arguments):
        self.top = arguments.top
        self.tap = Tap()
        self.cases = yaml.safe_load((self.top / "tests/e2e/contract.yaml").read_text(encoding="utf-8"))
        self.unentered = []
        watcher = Client(arguments.port, arguments.tls, "client")
        self.clients = {
            name: Watched(Client(arguments.port, arguments.tls, name), watcher, self.unentered, arguments.said)
            for name in ("client", "narrow", "engine", "auditor", "curious", "stranger")
        }
        self.nobody = Client(arguments.port, arguments.tls, None)
        self.plaintext = PlainClient(arguments.plaintext_port)
        self.password = (arguments.tls / "person.password").read_text().strip()
        self.keys = {name: bytes.fromhex((arguments.tls / f"{name}.hmac").read_text().strip()) for name in ("contract", "hasty")}
        answer = self.clients["client"].ask("GET", "/openapi.json", {}, None)
        self.contract = Contract(parse(answer.body))
        built = json.loads(arguments.openapi.read_text(encoding="utf-8"))
        self.tap.report("what is served is the contract that was built", [] if self.contract.document == built else ["it differs"])
        self.update = arguments.update
        self.kept = {}  # what a case took from its answer
        self.sent = set()  # (operation, example)
        self.answered = set()  # (operation, status or code)

    # -- requests --

    def body_of(self, case, operation):
        """(bytes or None, Content-Type or None)"""
        if "example" in case:
            for media_type, content in operation["requestBody"]["content"].items():
                if case["example"] in content.get("examples", {}):
                    self.sent.add((operation["operationId"], case["example"]))
                    value = content["examples"][case["example"]]["value"]
                    if "with" in case:
                        value = {**value, **self.with_kept(self.changes_of(case["with"]))}
                    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    return text.encode(), "application/octet-stream" if media_type == "*/*" else media_type
            raise KeyError(case["example"])
        if "json" in case:
            return json.dumps(case["json"], ensure_ascii=False).encode(), "application/json"
        if "lines" in case:
            return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in case["lines"]).encode(), "application/x-ndjson"
        if "file" in case:
            data = (self.top / case["file"]).read_bytes()
        elif "gzip" in case:
            data = gzip.compress((case["gzip"]["body"] + " " * case["gzip"]["blanks"]).encode())
        elif "hex" in case:
            data = bytes.fromhex(case["hex"])
        elif "attributes" in case:
            data = ("<response" + "".join(f' a{i}="1"' for i in range(case["attributes"])) + "/>").encode()
        elif "body" in case:
            data = case["body"].encode() * case.get("times", 1)
        else:
            return None, None
        for old, new in case.get("replace", {}).items():
            if old.encode() not in data:
                raise ValueError(f"{old} does not stand in the body")
            data = data.replace(old.encode(), new.encode())
        return data, "application/octet-stream"

    def changes_of(self, changes):
        return {
            name: [{}] * change["times"] if isinstance(change, dict) and "times" in change else change
            for name, change in changes.items()
        }

    def target_of(self, case, operation):
        path = operation["path"]
        for name, value in case.get("path", {}).items():
            path = path.replace("{" + name + "}", urllib.parse.quote(value, safe=""))
        query = urllib.parse.urlencode(case.get("query", {}))
        return path + ("?" + query if query else "")

    def undeclared(self, case, operation):
        declared = {(p["in"], p["name"].lower()) for p in operation["parameters"]}
        used = {("path", name) for name in case.get("path", {})}
        used |= {("query", name) for name in case.get("query", {})}
        used |= {("header", name.lower()) for name in case.get("headers", {}) if name.lower() != "content-type"}
        return [f"{place} {name} is not documented" for place, name in sorted(used - declared)]

    def headers_of(self, case, operation):
        """Those of the case; a purpose is stated wherever one can be, unless the case has null for it."""
        headers = {"Bidui-Purpose": "verification"} if ("header", "bidui-purpose") in {
            (p["in"], p["name"].lower()) for p in operation["parameters"]
        } else {}
        headers.update(case.get("headers", {}))
        return {name: value for name, value in headers.items() if value is not None}

    def note(self, operation, answer):
        name = operation["operationId"]
        code = problem_code(answer)
        self.answered.add((name, str(answer.status) if code is None else code))

    def with_kept(self, values):
        return {name: self.kept.get(value, value) if isinstance(value, str) else value for name, value in values.items()}

    def check_case(self, case):
        case = dict(case, path=self.with_kept(case.get("path", {})), query=self.with_kept(case.get("query", {})))
        operation = self.contract.operations[case["operation"]]
        body, media_type = self.body_of(case, operation)
        headers = self.headers_of(case, operation)
        if media_type:
            headers.setdefault("Content-Type", media_type)
        client = self.clients[case.get("as", "client")]
        if "account" in case:
            client = self.nobody
            pair = base64.b64encode(f'{case["account"]}:{self.password}'.encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        for _ in range(TRIES):
            answer = client.ask(operation["method"], self.target_of(case, operation), headers, body)
            if "until" not in case or answer.status == case["until"]:
                break
            time.sleep(PAUSE_S)
        if "until" not in case:
            self.note(operation, answer)
        faults = self.undeclared(case, operation) + self.contract.faults_of_answer(operation["responses"], answer)
        wanted = case.get("code", case.get("status", 200))
        got = problem_code(answer) or answer.status
        if got != wanted and "any" not in case:
            faults.append(f"answered {got}, not {wanted}: {answer.body[:300]!r}")
        for name, member in case.get("keep", {}).items():
            self.kept[name] = member_of(parse(answer.body), member)
            faults += [] if self.kept[name] else [f"there is no {member}"]
        if "answers" in case and not faults:
            faults += self.differs(operation, case["answers"], answer)
        self.tap.report(f'{case["operation"]}: {case["name"]}', faults)

    def check_samples(self, path):
        """The departments' samples, as lib.sh pushes them: file, feed, delivery, total."""
        for line in (self.top / path).read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            file, feed, delivery, total, _ = line.split("\t")
            source, feed = feed.split("/")
            case = {"operation": "push", "name": file, "path": {"source": source, "feed": feed}, "file": "adapters/" + file}
            if delivery != "-":
                case["query"] = {"delivery": delivery, "total": int(total), "baseline": "true"}
            self.check_case(dict(case, any=True))

    def differs(self, operation, name, answer):
        """The documented example is what the daemon says, but for what each run makes anew."""
        content = operation["responses"][str(answer.status)]["content"][answer.media_type()]
        documented = without_volatile(content["examples"][name]["value"])
        got = without_volatile(parse(answer.body))
        self.sent.add((operation["operationId"], f"answer {name}"))
        found = difference(documented, got)
        if found and self.update:
            text = json.dumps(parse(answer.body), ensure_ascii=False, indent=1) + "\n"
            (self.update / f'{operation["operationId"]}_{name}.json').write_text(text, encoding="utf-8")
        return [f"example {name}: {found}"] if found else []

    # -- what every operation refuses --

    def plain_target(self, operation):
        return re.sub(r"\{\w+\}", "x", operation["path"])

    def check_refusal(self, operation, what, answer, wanted):
        self.note(operation, answer)
        faults = self.contract.faults_of_answer(operation["responses"], answer)
        if problem_code(answer) != wanted:
            faults.append(f"answered {answer.status} {answer.body[:200]!r}, not {wanted}")
        self.tap.report(f'{operation["operationId"]}: {what}', faults)

    def check_refusals(self, operation):
        method, target = operation["method"], self.plain_target(operation)
        line = f"{method} {target} HTTP/1.1\r\nHost: x\r\n".encode()
        ask = self.clients["client"].ask_raw
        long = b"X: " + b"y" * 17000 + b"\r\n\r\n"
        self.check_refusal(operation, "a header line without a colon", ask(line + b"nothing\r\n\r\n"), "http.syntax")
        both = b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.check_refusal(operation, "two lengths", ask(line + both), "http.framing")
        self.check_refusal(operation, "an expectation", ask(line + b"Expect: more\r\n\r\n"), "http.expectation")
        self.check_refusal(operation, "a header that is too long", ask(line + long), "http.header_size")
        if not operation.get("security", True):
            self.check_refusal_not(operation, self.nobody.ask(method, target, {}, None))
            return
        self.check_refusal(operation, "without a certificate", self.nobody.ask(method, target, {}, None), "auth.unknown")
        stranger = self.clients["stranger"].ask(method, target, {}, None)
        self.check_refusal(operation, "a certificate that is not listed", stranger, "auth.unknown")
        self.check_signed_refusals(operation)

    def ask_signed(self, operation, name="contract", key=None, body=b"", **faults):
        target = self.plain_target(operation)
        headers = dict(sign(key or self.keys[name], name, operation["method"], target, "", body, **faults))
        return self.nobody.ask(operation["method"], target, headers, None)

    def ask_person(self, operation, client, name, password):
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        return client.ask(operation["method"], self.plain_target(operation), {"Authorization": f"Basic {pair}"}, None)

    def locked(self, operation):
        """Of a name that there is not: one of another each time would be asked for five times."""
        for _ in range(TRIES):
            answer = self.ask_person(operation, self.nobody, "nobody", "wrong")
            if answer.status == 429:
                break
        return answer

    def right(self, operation):
        """What is asked goes on: the password is not what is refused."""
        answer = self.ask_person(operation, self.nobody, "person", self.password)
        faults = [] if problem_code(answer) not in ("auth.password", "auth.locked") else [problem_code(answer)]
        self.tap.report(f'{operation["operationId"]}: a right password', faults)

    def check_signed_refusals(self, operation):
        self.check_refusal(operation, "another key", self.ask_signed(operation, key=bytes(32)), "auth.signature")
        self.check_refusal(operation, "signed long ago", self.ask_signed(operation, created=1780300800), "auth.time")
        nonce = "again " + operation["operationId"] + " " * 16
        self.ask_signed(operation, nonce=nonce)
        self.check_refusal(operation, "the same nonce", self.ask_signed(operation, nonce=nonce), "auth.replay")
        self.check_refusal(operation, "another body", self.ask_signed(operation, body=b"x"), "auth.digest")
        for _ in range(TRIES):  # One a second: the second of two comes too soon, or one of the next.
            answer = self.ask_signed(operation, name="hasty")
            if answer.status == 429:
                break
        self.check_refusal(operation, "asked too often", answer, "limit.requests")
        # One wrong password a name, so that none of these is made to wait.
        wrong = self.ask_person(operation, self.nobody, "not-" + operation["operationId"], "wrong")
        self.check_refusal(operation, "a wrong password", wrong, "auth.password")
        self.check_refusal(operation, "too many wrong passwords", self.locked(operation), "auth.locked")
        clear = self.ask_person(operation, self.plaintext, "person", "wrong")
        self.check_refusal(operation, "a password in clear", clear, "auth.plaintext")
        self.right(operation)
        forged = self.clients["client"].ask(operation["method"], self.plain_target(operation), {"Client-Cert": ":AA==:"}, None)
        self.check_refusal(operation, "a proxy's header from who is none", forged, "auth.proxy")

    def check_refusal_not(self, operation, answer):
        faults = [] if answer.status == 200 else [f"answered {answer.status}"]
        self.tap.report(f'{operation["operationId"]}: without a certificate', faults)

    # -- both directions --

    def check_addresses(self):
        source = (self.top / "gateway/daemon/routes.c").read_text(encoding="utf-8")
        known = re.findall(r'\{ "([A-Z]+)", "(/[^"]*)",', source)
        documented = {
            (operation["method"], re.sub(r"\{\w+\}", "*", operation["path"]))
            for operation in self.contract.operations.values()
        }
        faults = [f"{method} {path} is not documented" for method, path in known if (method, path) not in documented]
        faults += [] if len(known) == len(set(known)) and known else ["the table of routes was not found"]
        self.tap.report("every address of the daemon is documented", faults)
        for operation in self.contract.operations.values():
            target = self.plain_target(operation)
            answer = self.clients["client"].ask(operation["method"], target, {}, None)
            code = problem_code(answer)
            faults = [f"the daemon says {code}"] if code in ("http.not_found", "http.method") else []
            self.tap.report(f'{operation["method"]} {operation["path"]} is known to the daemon', faults)

    def check_others(self):
        responses = self.contract.document["components"]["responses"]
        answer = self.clients["client"].ask("GET", "/v1/none", {}, None)
        faults = self.contract.faults_of_answer(responses, answer)
        self.tap.report("an unknown address is 404", faults + ([] if answer.status == 404 else [str(answer.status)]))
        for path, item in self.contract.document["paths"].items():
            methods = [method.upper() for method in METHODS if method in item]
            target = re.sub(r"\{\w+\}", "x", path)
            other = [method.upper() for method in METHODS if method.upper() not in methods][0]
            answer = self.clients["client"].ask(other, target, {}, None)
            faults = self.contract.faults_of_answer(responses, answer)
            if answer.status != 405 or answer.header("allow") != ", ".join(methods):
                faults.append(f'{answer.status}, Allow: {answer.header("allow")}, not {methods}')
            self.tap.report(f"{other} {path} is 405 and says what is allowed", faults)

    # -- the document itself --

    def check_document(self):
        faults = []
        for schema in self.contract.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        for name, operation in self.contract.operations.items():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            if declared != set(re.findall(r"\{(\w+)\}", operation["path"])):
                faults.append(f"{name}: path parameters {declared}")
            contents = [("request", operation.get("requestBody", {}).get("content", {}))]
            contents += [(status, response.get("content", {})) for status, response in operation["responses"].items()]
            for place, content in contents:
                faults += self.faults_of_examples(f"{name} {place}", content)
        for name, response in self.contract.document["components"]["responses"].items():
            faults += self.faults_of_examples(name, response["content"])
        self.tap.report("every example has the form that its schema says", faults)

    def faults_of_examples(self, place, content):
        return [
            f"{place} {name}: {fault}"
            for media_type, described in content.items()
            for name, example in described.get("examples", {}).items()
            if media_type != "*/*"
            for fault in self.contract.faults_of(described["schema"], example["value"])
        ]

    def check_closed_sets(self):
        source = (self.top / "gateway/answer/finding.c").read_text(encoding="utf-8")
        schemas = self.contract.document["components"]["schemas"]
        for schema, pattern in (
            ("FindingCode", r'\[BD_FINDING_\w+\] = FINDING\("(\w+)"'),
            ("Decision", r'\[BD_DECISION_\w+\] = \{ "(\w+)"'),
            ("Flag", r'\{ BD_FLAG_\w+, \{ "(\w+)"'),
        ):
            known, documented = re.findall(pattern, source), schemas[schema]["enum"]
            faults = [] if known and sorted(known) == sorted(documented) else [f"known {known}", f"documented {documented}"]
            self.tap.report(f"{schema} has every name that the daemon can say", faults)

    # -- hostile messages --

    def check_hostile(self):
        operation = self.contract.operations["push"]
        faults, count = [], 0
        for path in sorted((self.top / "tests/hostile/intake").iterdir()):
            source, feed = path.name.split(".")[:2]
            if path.suffix == ".expected" or source == "mapping":
                continue
            for query in ("?dry_run=true", ""):
                count += 1
                answer = self.clients["client"].ask("POST", f"/v1/sources/{source}/{feed}{query}", {}, path.read_bytes())
                self.note(operation, answer)
                faults += [f"{path.name}: {fault}" for fault in self.contract.faults_of_answer(operation["responses"], answer)]
                if answer.status >= 500:
                    faults.append(f"{path.name}: {answer.status}")
        self.tap.report(f"{count} hostile messages are answered as documented, none with a 5xx", faults if count else ["none found"])

    # -- what was never answered --

    def check_coverage(self):
        unprovoked = self.cases["not_provoked"]
        examples, missing, stale = [], [], set(unprovoked)
        for name, operation in self.contract.operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                examples += [f"{name}: example {e}" for e in content.get("examples", {}) if (name, e) not in self.sent]
            for status, response in operation["responses"].items():
                for media_type, content in response.get("content", {}).items():
                    names = list(content.get("examples", {})) if media_type == "application/problem+json" else [status]
                    if media_type == "application/json":
                        examples += [f"{name}: answer {e}" for e in content.get("examples", {}) if (name, f"answer {e}") not in self.sent]
                    for answered in names:
                        if (name, answered) not in self.answered and not {answered, f"{name} {answered}"} & set(unprovoked):
                            missing.append(f"{name}: {answered}")
        stale &= {answered for _, answered in self.answered} | {f"{n} {answered}" for n, answered in self.answered}
        self.tap.report("every documented example was sent or answered", examples)
        self.tap.report("every documented answer was provoked", missing)
        self.tap.report("nothing was provoked that is said not to be", sorted(stale))

    def run(self):
        self.check_document()
        self.check_closed_sets()
        self.check_addresses()
        self.check_others()
        for operation in self.contract.operations.values():
            self.check_refusals(operation)
        for case in self.cases["requests"]:
            try:
                if "samples" in case:
                    self.check_samples(case["samples"])
                else:
                    self.check_case(case)
            except (KeyError, ValueError) as error:
                self.tap.report(f'{case["operation"]}: {case["name"]}', [f"{type(error).__name__}: {error}"])
        self.check_hostile()
        self.check_coverage()
        self.tap.report("every answer left an entry in the trail", self.unentered)
        print(f"1..{self.tap.count}")
        return 1 if self.tap.failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", type=pathlib.Path, required=True)
    parser.add_argument("--plaintext-port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls", type=pathlib.Path, required=True, help="folder of ca, client, narrow, engine, stranger")
    parser.add_argument("--openapi", type=pathlib.Path, required=True)
    parser.add_argument("--said", type=argparse.FileType("ab"), required=True, help="every problem goes there, for who looks for names")
    parser.add_argument("--update", type=pathlib.Path, help="write the answers of the examples to this folder")
    arguments = parser.parse_args()
    with arguments.said:
        result = Run(arguments).run()
    sys.exit(result)


if __name__ == "__main__":
    main()
