#!/usr/bin/env python3
"""Asks the engine and the reference evaluator the same invented cases; they have to agree. reference.sh runs it.

The evaluator was written from the specification, not from gateway/answer/*.c; what that had left open, it says now. A
case is known by its seed, matter and number, so one that disagrees can be asked again alone; it is printed in its
smallest form that still disagrees. Standard library only.
"""
import argparse
import collections
import concurrent.futures
import copy
import json
import pathlib
import subprocess
import sys

import decide
import evaluate
import generate
import language
import mutate
import tables
import values
from case import Case, Coverage, identity

SHOWN_MAX = 3
# Written cases whose question is refused for its form alone; tests/unit/test_question.c has these.
NOT_ASKED = {"question.form", "question.unknown_member"}
# What tells a row from another, and names.
MEMBERS = {
    "matter", "case", "on", "submitted_at", "deadline_ms", "subjects", "claims", "attestations", "materials",
    "commitment"}
NEEDED = {"row", "other", "inverse", "of", "source", "entity", "kind", "expect"}


class Setting:
    """What the specification gives: dictionary, calendar, matters."""

    def __init__(self, top):
        schemas = top / "schemas"
        self.dictionary = language.Dictionary(schemas / "common.xml")
        self.calendar = language.Calendar(schemas / "calendar" / "holidays.tsv")
        parents = [schemas / "matters", schemas / "sandbox" / "matters", top / "tests" / "answer" / "matters"]
        self.matters = language.read_matters(parents, self.dictionary)
        self.folders = sorted({str(matter.path.parent) for matter in self.matters})
        self.written = {matter.id: mutate.read_written(matter.path.parent) for matter in self.matters}

    def answer(self, case):
        """The reference's answer to a case file, or {"problems": codes}."""
        question = case["question"]
        now = language.time_of(case["now"])
        on = language.day_of(question["on"]) if "on" in question else language.day_at(now)
        matter = next((one for one in self.matters if one.id == question["matter"] and one.is_in_force(on)), None)
        if matter is None:
            return {"problems": ["matter.unknown"]}
        problems = question_faults(question, matter)
        if problems:
            return {"problems": sorted(problems)}
        asked = Case(question, case["held"], now, matter, self.dictionary)
        try:
            return decide.answer(asked, self.calendar)
        except language.NoSuchYear:
            return {"problems": ["calendar.year"]}


def question_faults(question, matter):
    """Codes of what is wrong with a question, one a fault (schemas/openapi.yaml, Case)."""
    faults = ["question.unknown_member" for name in question if name not in MEMBERS]
    faults += ["role.unknown" for name in question["subjects"] if name not in matter.roles]
    pointers, lost = {}, 0
    for name, role in matter.roles.items():
        nodes = question["subjects"].get(name, [])
        subjects = {f"/subjects/{name}": nodes} if isinstance(nodes, dict) else {
            f"/subjects/{name}/{index}": node for index, node in enumerate(nodes)}
        least = max(role.min, role.at_least if role.quantifier == "at_least" else 0)
        if not least <= len(subjects) <= role.max:
            faults.append("role.count")
        numbers = [identity(node) for node in subjects.values()]
        known = [one for one in numbers if one[1] is not None]
        lost += len(known) - len(set(known))
        pointers |= dict.fromkeys(subjects, name)
    # Of whom a subject that was no good would have been is not told a second time.
    strangers = [
        one["of"] for kind in ("claims", "attestations") for one in question.get(kind, [])
        if "of" in one and one["of"] not in pointers]
    faults += ["question.form"] * (lost or len(strangers))
    faults += claim_faults(question.get("claims", []), matter, pointers)
    return faults + material_faults(question.get("materials", []), matter)


def claim_faults(claims, matter, pointers):
    faults, seen = [], set()
    for claim in claims:
        of, field = claim["of"], claim["field"]
        role = pointers.get(of)
        compared = {
            one.field.name for one in matter.elements if one.is_claimed and role in one.roles}
        if role is None:
            continue
        if field not in compared:
            faults.append("claim.unknown_field")
        elif (of, field) in seen:
            faults.append("question.form")
        seen.add((of, field))
    return faults


def material_faults(materials, matter):
    faults, seen = [], set()
    for one in materials:
        if one["id"] not in {rule.id for rule in matter.materials}:
            faults.append("material.unknown")
        elif one["id"] in seen:
            faults.append("question.form")
        seen.add(one["id"])
    return faults


class Engine:
    """The C driver, asked one case at a time."""

    def __init__(self, driver, top, folders):
        self.process = subprocess.Popen(
            [driver, str(top / "schemas"), *folders], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            encoding="utf-8")

    def answer(self, case):
        self.process.stdin.write(json.dumps(case, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the engine gave up")
        return told(json.loads(line))


def told(answer):
    """The parts of the engine's answer that decide.answer has."""
    if "problems" in answer:
        return {"problems": sorted(answer["problems"])}
    owed = answer.get("obligations", []) + answer.get("offer", []) + answer.get("missing", [])
    return {
        "decision": answer["decision"],
        "branch": answer.get("branch"),
        "retry_on": answer.get("retry_on"),
        "excluded": answer.get("excluded", False),
        "obligations": {one.get("material", one.get("element")): one.get("due") for one in owed},
        "findings": {
            f"{one['element']} {one['subject']}": [one["code"], sorted(one["flags"])]
            for one in answer["findings"]},
    }


# -- the smallest case that still disagrees --

def parts_of(node, path=()):
    """Paths of everything that may be left out and leaves a case of the same form."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from parts_of(value, path + (name,))
            if name not in NEEDED:
                yield path + (name,)
    elif isinstance(node, list):
        for index in reversed(range(len(node))):
            yield path + (index,)
            yield from parts_of(node[index], path + (index,))


def without(case, path):
    smaller = copy.deepcopy(case)
    node = smaller
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return smaller


def disagreement(case, setting, engine):
    """(reference, engine) where they differ in an answered case, else None."""
    try:
        mine = setting.answer(case)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration):
        return None
    other = engine.answer(case)
    return (mine, other) if mine != other else None


def kinds(mine, other):
    """In what the two differ, each with what it is in either: a smaller case has to keep one of them."""
    found = set()
    for name in set(mine) | set(other):
        a, b = mine.get(name), other.get(name)
        if a != b and isinstance(a, dict) and isinstance(b, dict):
            found |= {(name, key.split(" ")[0], str(a.get(key)), str(b.get(key)))
                      for key in set(a) | set(b) if a.get(key) != b.get(key)}
        elif a != b:
            found.add((name, "", str(a), str(b)))
    return found


def shrunk(case, setting, engine, wanted=None):
    wanted = wanted or kinds(*disagreement(case, setting, engine))
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for path in list(parts_of(case)):
            try:
                smaller = without(case, path)
            except (KeyError, IndexError, TypeError):
                continue
            found = disagreement(smaller, setting, engine)
            if found is not None and kinds(*found) & wanted:
                case, is_smaller = smaller, True
    return case


def show(case, mine, other):
    print("#", json.dumps(case, ensure_ascii=False))
    for name in sorted(set(mine) | set(other)):
        a, b = mine.get(name), other.get(name)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            for key in sorted(set(a) | set(b)):
                if a.get(key) != b.get(key):
                    print(f"#   {name}: {key}: reference {a.get(key)}, engine {b.get(key)}")
        else:
            print(f"#   {name}: reference {a}, engine {b}")


# -- runs --

def invented(setting, seed, number, only=None):
    matters = [one for one in setting.matters if only in (None, one.id)]
    matter = matters[number % len(matters)]
    seed = f"{seed}/{matter.id}/{matter.version}/{number}"
    if number // len(matters) % 2 == 0 and setting.written[matter.id]:
        return mutate.Mutation(matter, setting.dictionary, seed, setting.written[matter.id]).changed()
    return generate.invent(matter, setting.dictionary, seed)


def run(top, driver, seed, numbers, only):
    """(decisions by matter, findings, how many disagree, the first of these) of the cases of these numbers."""
    setting = Setting(top)
    engine = Engine(driver, top, setting.folders)
    decisions, findings, wrong = collections.Counter(), collections.Counter(), []
    for number in numbers:
        case = invented(setting, seed, number, only)
        mine, other = setting.answer(case), engine.answer(case)
        decisions[case["question"]["matter"], other.get("decision", "refused")] += 1
        findings.update(" ".join([code, *flags]) for code, flags in other.get("findings", {}).values())
        if mine != other:
            wrong.append((number, case))
    shown = []
    for number, case in wrong[:SHOWN_MAX]:
        small = shrunk(case, setting, engine)
        shown.append((f"case {number} of seed {seed}", small, *disagreement(small, setting, engine)))
    return decisions, findings, len(wrong), shown


def ask_invented(options):
    ranges = [
        range(options.first + job, options.first + options.cases, options.jobs) for job in range(options.jobs)]
    decisions, findings, wrong, shown = collections.Counter(), collections.Counter(), 0, []
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        asked = [
            pool.submit(run, options.top, options.driver, options.seed, numbers, options.matter)
            for numbers in ranges]
        for one in asked:
            result = one.result()
            decisions.update(result[0])
            findings.update(result[1])
            wrong += result[2]
            shown += result[3]
    if options.summary:
        print_summary(decisions, findings)
    for title, *case in shown[:SHOWN_MAX]:
        print("#", title)
        show(*case)
    print(f"# {options.cases} invented cases, {wrong} disagreements")
    return wrong == 0


def print_summary(decisions, findings):
    for matter in sorted({matter for matter, _ in decisions}):
        counts = [
            f"{decision} {decisions[matter, decision]}" for decision in (*decide.DECISIONS, "refused")
            if decisions[matter, decision]]
        print(f"# {matter}: {', '.join(counts)}")
    for finding, count in sorted(findings.items()):
        print(f"# {finding}: {count}")


def ask_written(options):
    """Every case beside a matter, whatever it expects."""
    setting = Setting(options.top)
    engine = Engine(options.driver, options.top, setting.folders)
    asked = wrong = 0
    for path, case in [one for written in setting.written.values() for one in written]:
        if case["expect"].get("refused", {}).get("code") in NOT_ASKED:
            continue
        found = disagreement(case, setting, engine)
        asked += 1
        if found is not None:
            wrong += 1
            print("#", path)
            show(case, *found)
    print(f"# {asked} written cases, {wrong} disagreements")
    return wrong == 0 and asked > 0


def check_tables(options):
    lines, wrong = tables.check_tables(options.top / "tests" / "record")
    for line in wrong:
        print("#", line)
    print(f"# {lines} lines, {len(wrong)} disagreements")
    return lines > 0 and not wrong


# -- does it notice? --

# Each makes the reference forget one rule; who compares it with the engine then has to see a difference.
FAULTS = {
    "what is stale is taken for fresh": (evaluate.Judge, "too_old", staticmethod(lambda finding: None)),
    "a gap reads as none": (Coverage, "tells_all", property(lambda self: self.state != "none")),
    "a rejected record is forgotten": (evaluate.Judge, "is_blocked", lambda self, held: False),
    "a dispute is no flag": (decide, "is_ground", lambda finding: finding.element.refuses),
    "a dispute of one field is of all": (evaluate.Judge, "looks_at", lambda self, field: True),
    "a placeholder is a character": (values, "differs_by_placeholders", lambda a, b: False),
    "an unknown code is another one": (values, "compare_code", lambda a, b: values.same_if(a == b)),
    "nobody outranks anybody": (evaluate.Judge, "authority", lambda self, one: 0),
    "every role has to answer": (decide, "counting", lambda case, findings: findings),
    "the agency never looks": (decide, "is_agency_check", lambda finding: False),
    "holidays are worked": (language.Calendar, "is_worked", lambda self, day: language.civil(day).weekday() < 5),
    "a year is full on its last day": (
        values, "full_years", lambda since, on, is_day_after: language.civil(on).year - language.civil(since).year),
    "the wait never ends": (decide.Decider, "may_wait", lambda self: self.case.submitted is not None),
    "any commitment is one": (
        decide.Decider, "has_commitment", property(lambda self: "commitment" in self.case.question)),
    "the first branch decides": (decide, "place", lambda outcome: 0),
}


def ask_with_faults(options):
    setting = Setting(options.top)
    engine = Engine(options.driver, options.top, setting.folders)
    unseen = [name for name, fault in FAULTS.items() if not is_seen(fault, setting, engine, options)]
    for name in unseen:
        print(f"# not seen in {options.cases} cases: {name}")
    print(f"# {len(FAULTS)} seeded faults, {len(FAULTS) - len(unseen)} seen")
    return not unseen


def is_seen(fault, setting, engine, options):
    holder, name, broken = fault
    whole = holder.__dict__[name]
    setattr(holder, name, broken)
    try:
        return any(
            disagreement(invented(setting, options.seed, number), setting, engine) is not None
            for number in range(options.cases))
    finally:
        setattr(holder, name, whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["tables", "written", "invented", "faults"])
    parser.add_argument("--driver", required=True, help="answer_cases")
    parser.add_argument("--top", type=pathlib.Path, required=True, help="the source tree")
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--matter", help="only this one")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--summary", action="store_true", help="print what came out of how many")
    options = parser.parse_args()
    asked = {"tables": check_tables, "written": ask_written, "invented": ask_invented, "faults": ask_with_faults}
    return 0 if asked[options.what](options) else 1


if __name__ == "__main__":
    sys.exit(main())
