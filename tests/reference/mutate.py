"""Invents cases by changing written ones in a few places: most written cases pass or fail by one thing, so that what is
a step away from them is where a wrong rule shows.
"""
import copy
import json

import generate
from generate import DAY_MS, SOURCES, moment
from language import day_of, day_text, time_of

MINUTE_MS = 60000


def read_written(folder):
    """(path, case) of the cases beside a matter, each with its `now`; those of the sandbox with what is held there."""
    cases = []
    shared = folder.parent.parent / "held.json"
    for path in sorted(folder.glob("cases/*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        question = case["question"]
        case.setdefault("now", question.get("submitted_at", question.get("on")))
        if "held" not in case and shared.exists():
            case["held"] = json.loads(shared.read_text(encoding="utf-8"))["held"]
            numbers = {node["id_no"] for node in question["subjects"].values()}
            case["held"] = [one for one in case["held"] if one["of"]["id_no"] in numbers]
        case.setdefault("held", [])
        cases.append((path, case))
    return cases


class Mutation:
    """A written case of the matter, changed."""

    def __init__(self, matter, dictionary, seed, written):
        self.invention = generate.Invention(matter, dictionary, seed)
        self.rng = self.invention.rng
        self.dictionary = dictionary
        self.case = copy.deepcopy(self.rng.choice(
            [case for _, case in written if "refused" not in case["expect"]]))
        self.case["now"] = moment(time_of(self.case["now"]))
        self.invention.now = time_of(self.case["now"])
        self.invention.on = day_of(self.case["question"].get("on", self.case["now"][:10]))
        self.invention.asked = generate.Case(
            self.case["question"], [], self.invention.now, matter, dictionary)

    def changed(self):
        ways = (
            self.drop, self.drop, self.change_value, self.change_value, self.change_value, self.shift_date,
            self.age_statement, self.block_statement, self.second_source, self.change_coverage, self.change_coverage,
            self.change_status, self.shift_times, self.change_material, self.change_commitment, self.shift_attestation)
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            self.rng.choice(ways)()
        self.case["expect"] = {}
        return self.case

    # -- parts --

    def statements(self):
        return [one for node in self.case["held"] for one in node.get("statements", [])]

    def pick(self, things):
        return self.rng.choice(things) if things else None

    def drop(self):
        question = self.case["question"]
        lists = [question.get(name, []) for name in ("claims", "attestations", "materials")]
        lists += [node.get(name, []) for node in self.case["held"] for name in ("statements", "coverage")]
        found = self.pick([one for one in lists if one])
        if found is not None:
            found.pop(self.rng.randrange(len(found)))

    def change_value(self):
        one = self.pick(self.statements())
        if one is None:
            return
        fields = [
            field for name, field in self.dictionary.entities[one["entity"]].fields.items()
            if not field.is_key and (name in one["values"] or self.rng.random() < 0.1)]
        field = self.pick(fields)
        if field is None:
            return
        if self.rng.random() < 0.25:
            one["values"].pop(field.name, None)
        else:
            one["values"][field.name] = self.invention.any_value(field)

    def shift_date(self):
        """By a day, or about a month or a year: where bounds are."""
        one = self.pick(self.statements())
        fields = self.dictionary.entities[one["entity"]].fields if one else {}
        days = [
            name for name, value in (one["values"] if one else {}).items()
            if fields[name].type == "date" and not fields[name].is_key and isinstance(value, str)
            and day_of(value) is not None and day_of(value) < 100000]
        if days:
            name = self.rng.choice(days)
            off = self.rng.choice((-1, 1)) * self.rng.choice((1, 1, 2, 30, 365, 366, 1096))
            one["values"][name] = day_text(day_of(one["values"][name]) + off)

    def age_statement(self):
        one = self.pick(self.statements())
        if one is not None:
            name = self.rng.choice(("as_of", "received"))
            one[name] = moment(self.invention.now - self.rng.choice((0, 1, 30, 400)) * DAY_MS)

    def block_statement(self):
        one = self.pick(self.statements())
        if one is not None:
            one["blocked"] = True

    def second_source(self):
        """Another source, or another feed of the same, tells of the same row, and not all the same."""
        node = self.pick([one for one in self.case["held"] if one.get("statements")])
        if node is None:
            return
        number = self.rng.randrange(len(node["statements"]))
        one = node["statements"][number]
        one.setdefault("row", str(number if self.dictionary.entities[one["entity"]].is_many else 0))
        other = copy.deepcopy(one)
        fields = self.dictionary.entities[other["entity"]].fields
        if self.rng.random() < 0.5:
            other["source"] = self.rng.choice(SOURCES)
        else:
            other["section"] = "other"
            other["rank"] = self.rng.choice((9, 10, 20))
        for name in list(other["values"]):
            if not fields[name].is_key and self.rng.random() < 0.4:
                other["values"][name] = self.invention.any_value(fields[name])
        node["statements"].append(other)

    def change_coverage(self):
        node = self.pick([one for one in self.case["held"] if one.get("coverage")])
        if node is None:
            return
        one = self.rng.choice(node["coverage"])
        if self.rng.random() < 0.5:
            one["state"] = self.rng.choice(("none", "gap", "subject", "feed"))
        elif self.rng.random() < 0.5:
            one["through"] = moment(self.invention.now - self.rng.choice((0, 1, 8, 40, 400)) * DAY_MS)
        else:
            one["blocked"] = True

    def change_status(self):
        node = self.pick(self.case["held"])
        if node is None:
            return
        if self.rng.random() < 0.5:
            node["disputed"] = True
            return
        node["status"] = self.rng.choice(("no_subject", "ambiguous", "withheld"))
        node.pop("statements", None)

    def shift_times(self):
        question = self.case["question"]
        off = self.rng.choice((-1, 1)) * self.rng.choice((1000, MINUTE_MS, 3600000, DAY_MS))
        if self.rng.random() < 0.3:
            question.pop("submitted_at", None)
        elif self.rng.random() < 0.5:
            self.case["now"] = moment(time_of(self.case["now"]) + off)
        elif "on" in question:
            question["on"] = day_text(day_of(question["on"]) + self.rng.choice((-1, 1, 7, 30)))

    def change_material(self):
        one = self.pick(self.case["question"].get("materials", []))
        if one is not None:
            one["state"] = self.rng.choice(("supplied", "e_licence", "to_follow", "to_follow"))

    def change_commitment(self):
        text = self.invention.matter.commitment_text or "1"
        self.case["question"]["commitment"] = {
            "text_version": self.rng.choice((text, text, "another")), "signed_at": self.case["now"]}

    def shift_attestation(self):
        one = self.pick(self.case["question"].get("attestations", []))
        if one is None:
            return
        if self.rng.random() < 0.2:
            one["provider"] = "nobody"
            return
        one["at"] = moment(time_of(one["at"]) + self.rng.choice((-1, 1)) * self.rng.choice((
            1000, 5 * MINUTE_MS, 11 * MINUTE_MS, 3600000, 30 * DAY_MS)))
