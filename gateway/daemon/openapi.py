#!/usr/bin/env python3
"""Makes openapi.json, the contract as biduid serves it, of schemas/openapi.yaml.

    openapi.py SOURCE-FOLDER OUT

What another file already says is not typed again in openapi.yaml: there stands an extension, and here it
becomes plain OpenAPI 3.1.

- `x-enum-of: LIST` in a schema: its `enum`, from schemas/common.xml (entities, fields, id-kinds,
  person-id-kinds, organization-id-kinds) or gateway/base/codes.def (codes).
- `x-values-of-dictionary: true` in a schema: one alternative a field, with its labels and, for codes, its list.
- `x-codes: [CODE, ...]` in a response: problem+json with exactly these codes, an example of each, and the
  headers that go with the status. A code must have the status it is listed under. In components, the name of a
  response is its status.
- `x-problems-everywhere`, `x-problems-of-listed` at the top: {STATUS: [CODE, ...]} of every operation, and of those
  that ask for a sender.
- `externalValue` of an example, relative to openapi.yaml: the text itself, or the JSON value of a file in examples/.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

import yaml

# Headers of every problem, and those that go with a status; names in components.headers.
HEADERS = {"Cache-Control": "CacheControl", "Content-Language": "ContentLanguage"}
HEADERS_OF = {
    "401": {"WWW-Authenticate": "Authenticate"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter"},
}


class ContractError(Exception):
    """openapi.yaml says what the other files do not."""


def read_codes(path):
    """{code: (status, retryable, zh, en, hint_zh)} in the order of codes.def."""
    text = r'"((?:[^"\\]|\\.)*)"'
    row = re.compile(r"^BD_CODE\(\w+, " + text + r", (\d+), (true|false), " + ", ".join([text] * 4) + r"\)$")
    codes = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("BD_CODE("):
            continue
        found = row.match(line)
        if not found:
            raise ContractError(f"codes.def: not understood: {line}")
        name, status, retryable, zh, en, hint, _ = found.groups()
        codes[name] = {"status": int(status), "retryable": retryable == "true", "zh": zh, "en": en, "hint": hint}
    return codes


class Dictionary:
    """schemas/common.xml."""

    def __init__(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.id_kinds = [dict(kind.attrib) for kind in root.iter("id-kind")]
        self.lists = {
            codes.get("name"): [code.get("name") for code in codes.iter("code")] for codes in root.iter("code-list")
        }
        self.entities = {
            entity.get("name"): [dict(field.attrib) for field in entity.iter("field")] for entity in root.iter("entity")
        }

    def names(self, which):
        lists = {
            "entities": list(self.entities),
            "fields": sorted({field["name"] for fields in self.entities.values() for field in fields}),
            "id-kinds": [kind["name"] for kind in self.id_kinds],
        }
        for subject in ("person", "organization"):
            lists[subject + "-id-kinds"] = [
                kind["name"]
                for kind in self.id_kinds
                if kind["subject"] == subject and kind.get("issued") != "true"
            ]
        return lists.get(which)

    def value_of(self, field):
        """A held value of this field; an unmapped one keeps the source's own code."""
        schema = {"const": field["name"], "title": f'{field["zh"]} {field["en"]}'}
        value = {"properties": {"field": schema}}
        if field["type"] == "code":
            value["if"] = {"not": {"required": ["unmapped"]}}
            value["then"] = {"properties": {"value": {"enum": self.lists[field["codes"]] + [None]}}}
        return value

    def statements(self):
        """For `allOf` of a statement: whichever entity it is of, its values are of fields of that entity."""
        return [
            {
                "if": {"required": ["entity"], "properties": {"entity": {"const": name}}},
                "then": {
                    "properties": {
                        "values": {"items": {"oneOf": [self.value_of(field) for field in fields]}}
                    }
                },
            }
            for name, fields in self.entities.items()
        ]


class Contract:
    def __init__(self, source):
        self.folder = source / "schemas"
        self.codes = read_codes(source / "gateway" / "base" / "codes.def")
        self.dictionary = Dictionary(self.folder / "common.xml")
        document = yaml.safe_load((self.folder / "openapi.yaml").read_text(encoding="utf-8"))
        # Anchors of the file are shared objects; here each stands for itself.
        self.document = json.loads(json.dumps(document))

    def names(self, which):
        names = list(self.codes) if which == "codes" else self.dictionary.names(which)
        if names is None:
            raise ContractError(f"x-enum-of: {which} is no list")
        return names

    def problem(self, code):
        known = self.codes[code]
        return {
            "type": "about:blank",
            "title": known["zh"],
            "status": known["status"],
            "detail": "",
            "code": code,
            "layer": "bidui" if known["status"] >= 500 else "client",
            "retryable": known["retryable"],
            "hint": known["hint"],
            "errors": [],
        }

    def problem_response(self, status, response):
        codes = response.pop("x-codes")
        for code in codes:
            if code not in self.codes or str(self.codes[code]["status"]) != status:
                raise ContractError(f"{code} stands under {status}")
        response.setdefault("content", {})["application/problem+json"] = {
            "schema": {
                "allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {"properties": {"code": {"enum": codes}, "status": {"const": int(status)}}},
                ]
            },
            "examples": {code: {"value": self.problem(code)} for code in codes},
        }
        for header, name in {**HEADERS, **HEADERS_OF.get(status, {})}.items():
            response.setdefault("headers", {})[header] = {"$ref": f"#/components/headers/{name}"}

    def add_problems(self, responses, problems):
        for status, codes in problems.items():
            response = responses.setdefault(
                status, {"description": " / ".join(self.codes[code]["zh"] + " " + self.codes[code]["en"] for code in codes)}
            )
            listed = response.setdefault("x-codes", [])
            listed.extend(code for code in codes if code not in listed)

    def walk(self, node):
        if isinstance(node, list):
            for item in node:
                self.walk(item)
            return
        if not isinstance(node, dict):
            return
        if "x-enum-of" in node:
            node["enum"] = self.names(node.pop("x-enum-of"))
        if node.pop("x-values-of-dictionary", False):
            node["allOf"] = self.dictionary.statements()
        if "externalValue" in node:
            name = node.pop("externalValue")
            text = (self.folder / name).read_bytes().decode("utf-8")
            node["value"] = json.loads(text) if name.startswith("examples/") else text
        for item in node.values():
            self.walk(item)

    def make(self):
        everywhere = self.document.pop("x-problems-everywhere")
        of_listed = self.document.pop("x-problems-of-listed")
        for item in self.document["paths"].values():
            for method, operation in item.items():
                if method in ("parameters", "summary", "description"):
                    continue
                responses = operation["responses"]
                self.add_problems(responses, everywhere)
                if operation.get("security", True):
                    self.add_problems(responses, of_listed)
                for status, response in responses.items():
                    if "x-codes" in response:
                        self.problem_response(status, response)
                operation["responses"] = dict(sorted(responses.items()))
        for status, response in self.document["components"]["responses"].items():
            self.problem_response(status, response)
        self.walk(self.document)
        return self.document


def main():
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    try:
        document = Contract(source).make()
    except (ContractError, OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        sys.exit(f"openapi.py: {error}")
    text = json.dumps(document, ensure_ascii=False)
    if not out.exists() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
