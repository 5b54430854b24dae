"""Holds values.py to the tables that the engine's own comparators are held to: tests/record/{compare,predicate}.tsv."""
import re

import language
import values
from language import day_of


NAMES = {values.SAME: "same", values.NEAR: "near", values.UNSURE: "unsure", values.DIFFERENT: "different"}
COMPARATORS = {
    "exact": lambda a, b: values.same_if(a == b), "name": values.compare_name, "org_name": values.compare_org_name,
    "date": values.compare_date, "code": values.compare_code, "number": values.compare_number,
    "set": values.compare_set}
LISTED = ("食品销售(仅销售预包装食品)", "日用百货销售", "技术服务、技术开发、技术咨询", "服装零售")
KINDS = {"n": "normal", "b": "back_payment", "r": "refund", "u": "unknown"}


def check_tables(folder):
    """(lines that were looked at, those that values.py comes to something else for)"""
    lines = 0
    wrong = []
    for name, come_to in (("compare.tsv", compared), ("predicate.tsv", held)):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            parts = unescape(line).split("\t")
            have = None if line.startswith("#") or "\\x" in line else come_to(parts)
            if have is not None:
                lines += 1
                if have != wanted(parts):
                    wrong.append(f"{line}: {have}")
    return lines, wrong


def compared(parts):
    """None: a line that values.py has nothing for."""
    what = parts[0]
    if parts[3:4] in (["none"], ["unmapped"]):
        return None
    if what in COMPARATORS:
        return NAMES[COMPARATORS[what](*parts[1:3])]
    if what == "amount":
        return NAMES[values.compare_amount(parts[1], parts[2], int(parts[3]) if len(parts) == 5 else 0)]
    if what == "identifier":
        of_subject = [tuple(one.split(" ")) for one in parts[2].split("; ") if one]
        return NAMES[values.compare_identifier(tuple(parts[1].split(" ")), of_subject)]
    if what == "listed":
        return NAMES[values.compare_listed(parts[1], values.SCOPE_SEPARATORS, LISTED)]
    return None


def held(parts):
    what = parts[0]
    if what in ("age", "days") and day_of(parts[2]) is None:
        return None
    if what == "age":
        return NAMES[values.age(parts[1], day_of(parts[2]), a_range(parts[3]), parts[4] == "day after")]
    if what == "days":
        return NAMES[values.days_since(parts[1], day_of(parts[2]), a_range(parts[3]))]
    if what == "number":
        return NAMES[values.number_in(parts[1], a_range(parts[2]))]
    if what == "enough":
        return NAMES[values.enough(*map(int, parts[1:4]))]
    if what == "months":
        months = [one.split(" ") for one in parts[1].split(", ") if one]
        months = [(values.month_number(month), KINDS[kind]) for month, kind in months]
        until, counts_back_paid = values.month_number(parts[2]), parts[3] == "back-paid too"
        total = values.months_paid(months, until, counts_back_paid, False)
        run = values.months_paid(months, until, counts_back_paid, True)
        return [total[0], run[0], total[1], run[1]]
    return None


def wanted(parts):
    """What the line says; of months the totals and the runs that end with the last one."""
    if parts[0] != "months":
        return parts[-1].split(" ")[0]
    counts = [int(number) for number in re.findall(r"[0-9]+", parts[-1])]
    return [counts[0], counts[2], counts[3], counts[5]]


def a_range(text):
    at_least, at_most = (int(part) if part else None for part in text.split(".."))
    return language.Range(at_least, at_most)


def unescape(line):
    line = line.replace("\\e", "")
    return re.sub(r"\\u\{([0-9A-F]+)\}", lambda match: chr(int(match[1], 16)), line)
