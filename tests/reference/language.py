"""What the reference evaluator reads: the dictionary, the matters, the calendar; and the days and times of all of them.

From schemas/common.xml, schemas/matter.xsd with doc/matters.md, and schemas/calendar/holidays.tsv.
"""
import datetime
import functools
import pathlib
import xml.etree.ElementTree as xml

EPOCH = datetime.date(1970, 1, 1)
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
# Ends of a path that are followed where the element does not say.
FAN_OUT_NORMAL = 64


# -- days and times: days since 1970-01-01, milliseconds since then, civil at +08:00 --

@functools.lru_cache(maxsize=100000)
def day_of(text):
    """Days of yyyy-MM-dd; None when it is none."""
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(digits(part) for part in parts):
        return None
    try:
        return (datetime.date(*map(int, parts)) - EPOCH).days
    except ValueError:
        return None


def digits(text):
    return text != "" and all(char in "0123456789" for char in text)


def civil(day):
    return EPOCH + datetime.timedelta(days=day)


def day_text(day):
    return civil(day).isoformat()


@functools.lru_cache(maxsize=100000)
def time_of(text):
    """Milliseconds of an RFC 3339 time or of the begin of a day."""
    day = day_of(text)
    if day is not None:
        return day * 86400000 - 8 * 3600000
    moment = datetime.datetime.fromisoformat(text)
    return round(moment.timestamp() * 1000)


def day_at(milliseconds):
    return (milliseconds + 8 * 3600000) // 86400000


# -- the dictionary --

class Field:
    def __init__(self, node, entity, lists):
        self.name = node.get("name")
        self.entity = entity
        self.number = int(node.get("number"))
        self.type = node.get("type")
        self.merge = node.get("merge")
        self.compare = node.get("compare")
        self.authority = (node.get("authority") or "").split()
        self.is_key = node.get("key") == "true"
        codes = lists.get(node.get("codes"), {})
        self.codes = list(codes)
        self.adverse = {name for name, is_adverse in codes.items() if is_adverse}


class Entity:
    def __init__(self, node, lists):
        self.name = node.get("name")
        self.number = int(node.get("number"))
        self.subject = node.get("subject")
        self.is_many = node.get("many") == "true"
        self.is_relation = node.get("relation") == "true"
        self.fields = {part.get("name"): Field(part, self, lists) for part in node.iter("field")}


class Dictionary:
    def __init__(self, path):
        root = xml.parse(path).getroot()
        lists = {
            node.get("name"): {code.get("name"): code.get("adverse") == "true" for code in node}
            for node in root.iter("code-list")
        }
        self.entities = {node.get("name"): Entity(node, lists) for node in root.iter("entity")}
        self.id_kinds = {node.get("name"): node for node in root.iter("id-kind")}


# -- the calendar --

class NoSuchYear(Exception):
    """The calendar lacks a year that is needed."""


class Calendar:
    def __init__(self, path):
        self.worked = {}
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#") and line[0].isdigit():
                day, kind = line.split("\t")[:2]
                self.worked[day_of(day)] = kind == "work"
        self.years = {civil(day).year for day in self.worked}

    def is_worked(self, day):
        if civil(day).year not in self.years:
            raise NoSuchYear
        return self.worked.get(day, civil(day).weekday() < 5)

    def after(self, day, count):
        """The count-th working day after `day`, which itself does not count."""
        while count > 0:
            day += 1
            count -= self.is_worked(day)
        return day


# -- matters --

class Range:
    """Both ends included; None leaves an end open."""

    def __init__(self, at_least, at_most):
        self.at_least, self.at_most = at_least, at_most

    @property
    def is_asked(self):
        return self.at_least is not None or self.at_most is not None

    def holds(self, number):
        return (self.at_least is None or number >= self.at_least) and (
            self.at_most is None or number <= self.at_most)


class Role:
    def __init__(self, node):
        self.name = node.get("name")
        self.kind = node.get("kind")
        self.min, self.max = int(node.get("min")), int(node.get("max"))
        self.quantifier = node.get("quantifier") or "every"
        self.at_least = int(node.get("at-least") or 1)


class Filter:
    def __init__(self, node, matter, entity):
        name = node.get("field")
        self.field = entity.fields[name] if name else None
        self.is_not = node.get("is-not") is not None
        values = node.get("is-not") if self.is_not else node.get("is")
        self.values = None if values is None else values.split("|")
        self.number = matter.range(node, "at-")
        self.days = matter.range(node, "days-since-at-")
        self.years = matter.range(node, "years-since-at-")
        self.or_none = node.get("or-none") == "true"
        self.same_as = node.get("same-as")
        self.other_role = node.get("other-role")


class Test:
    def __init__(self, node, matter):
        self.kind = node.get("kind")
        self.range = matter.range(node, "at-")
        self.list = matter.lists.get(node.get("list"))
        self.waits = node.get("waits") == "true"


class Months:
    def __init__(self, node, matter, entity):
        self.field = entity.fields[node.get("field")]
        self.kind = entity.fields.get(node.get("kind-field"))
        self.at_least = matter.number(node.get("at-least"))
        self.is_continuous = node.get("mode") == "continuous"
        self.counts_back_paid = node.get("counts-back-paid") == "true"
        self.closes_after = matter.number(node.get("closes-after-days"))


class Attestation:
    def __init__(self, node):
        self.kind = node.get("kind")
        self.providers = node.get("providers").split()
        self.max_age_s = int(node.get("max-age-s"))


class Element:
    def __init__(self, node, matter, dictionary):
        def names(attribute):
            return (node.get(attribute) or "").split()

        self.id = node.get("id")
        self.roles = names("role")
        self.relations = names("relations")
        self.is_inverse = node.get("inverse") == "true"
        self.quantifier = node.get("quantifier") or "every"
        self.at_least = int(node.get("at-least") or 1)
        self.fan_out_max = int(node.get("fan-out-max") or FAN_OUT_NORMAL)
        self.entity = dictionary.entities.get(node.get("entity"))
        self.field = self.entity.fields[node.get("field")] if node.get("field") else None
        self.polarity = node.get("polarity")
        self.is_claimed = node.get("claimed") == "true"
        self.same_as = node.get("same-as")
        self.tolerance = matter.number(node.get("tolerance-fen")) or 0
        self.sources = names("sources")
        self.sources_needed = max(1, int(node.get("sources-needed") or 0))
        self.documents = names("documents")
        self.is_core = node.get("core") == "true"
        self.branches = names("branches")
        self.is_for_commitment = node.get("for") == "commitment"
        self.unless = node.get("unless")
        self.freshness = node.get("freshness") or "any"
        self.max_age_s = int(node.get("max-age-s") or 0)
        self.accepted = names("accepted") or ["match"]
        self.tolerated = set(names("tolerated"))
        self.resubmit = set(names("resubmit"))
        self.agency_due = matter.number(node.get("agency-due-working-days")) or 0
        self.filters = [Filter(part, matter, self.entity) for part in node.findall("filter")]
        self.values = [part.text for part in node.findall("value")]
        part = node.find("when")
        self.when = None if part is None else (part.get("claim"), part.get("is").split("|"))
        part = node.find("test")
        self.test = None if part is None else Test(part, matter)
        part = node.find("months")
        self.months = None if part is None else Months(part, matter, self.entity)
        self.closes_after = matter.number(node.get("closes-after-days")) or 0
        if self.months is not None:
            self.closes_after = self.months.closes_after
        part = node.find("attestation")
        self.attestation = None if part is None else Attestation(part)
        self.refuses = node.find("refuse") is not None


class Material:
    def __init__(self, node, matter):
        self.id = node.get("id")
        self.branches = (node.get("branches") or "").split()
        self.due = matter.number(node.get("due-working-days")) or 0


class Matter:
    def __init__(self, path, dictionary):
        root = xml.parse(path).getroot()
        self.path = path
        self.id, self.version = root.get("id"), root.get("version")
        self.effective_from = day_of(root.get("effective-from"))
        until = root.get("effective-until")
        self.effective_until = day_of(until) if until else None
        self.wait_s = int(root.get("wait-s"))
        self.mode = root.get("conditional-mode")
        self.commitment_text = root.get("commitment-text-version")
        self.parameters = {
            node.get("name"): int(node.get("value")) for node in root.findall("parameter")}
        self.lists = {
            node.get("name"): read_list(path.parent / node.get("file"))
            for node in root.findall("list")}
        self.roles = {node.get("name"): Role(node) for node in root.findall("role")}
        self.branches = [node.get("id") for node in root.findall("branch")]
        self.elements = [Element(node, self, dictionary) for node in root.findall("element")]
        self.materials = [Material(node, self) for node in root.findall("material")]

    def number(self, text):
        """A whole number, or the parameter that holds it."""
        if text is None:
            return None
        return self.parameters[text[1:]] if text.startswith("@") else int(text)

    def range(self, node, prefix):
        return Range(self.number(node.get(prefix + "least")), self.number(node.get(prefix + "most")))

    def is_in_force(self, day):
        return self.effective_from <= day and (
            self.effective_until is None or day < self.effective_until)


def read_list(path):
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_matters(folders, dictionary):
    """Every version of every matter in these folders, by file."""
    return [
        Matter(path, dictionary)
        for folder in folders for path in sorted(pathlib.Path(folder).glob("*/matter*.xml"))]
