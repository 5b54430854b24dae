"""A case as it is asked, and what is held of its subjects (gateway/answer/case_file.h, held_file.h, row.h).

Of each field of a row the newest statement that speaks of it counts, by the rank of its feed and then its time.
"""
import language
import values
from language import day_at, time_of


class Value:
    """One value as it is held; `texts` has several where contents of one order contradict each other."""

    def __init__(self, given, order, received):
        self.order, self.received = order, received
        self.is_unmapped = isinstance(given, dict) and "unmapped" in given
        self.has_placeholder = isinstance(given, dict) and "placeholder" in given
        if isinstance(given, dict):
            given = next(iter(given.values()))
        self.texts = given if isinstance(given, list) else [given]

    @property
    def is_none(self):
        return self.texts == [None]

    @property
    def is_conflict(self):
        return len(self.texts) > 1


class Row:
    """What one source says of one row, over all its statements: of each field the newest that speaks of it."""

    def __init__(self, source, entity, key=None):
        self.source, self.entity, self.key = source, entity, key
        self.fields = {}
        self.other = None
        self.is_inverse = self.is_blocked = False
        self.received = None

    def tell(self, statement, now):
        as_of = time_of(statement["as_of"]) if "as_of" in statement else now
        received = time_of(statement["received"]) if "received" in statement else as_of
        self.received = received if self.received is None else max(self.received, received)
        self.is_blocked |= statement.get("blocked", False)
        self.is_inverse |= statement.get("inverse", False)
        if "other" in statement:
            self.other = identity(statement["other"])
        for name, given in statement.get("values", {}).items():
            value = Value(given, (statement.get("rank", 10), as_of), received)
            held = self.fields.get(name)
            if held is None or held.order < value.order:
                self.fields[name] = value
            elif held.order == value.order:
                held.texts = held.texts + [text for text in value.texts if text not in held.texts]
                held.received = max(held.received, received)

    def value(self, field):
        """None when nobody speaks of it or it is stated as none."""
        value = self.fields.get(field.name)
        return None if value is None or value.is_none else value


class Coverage:
    def __init__(self, node, now):
        self.state = node["state"]
        self.is_blocked = node.get("blocked", False)
        self.through = time_of(node["through"]) if "through" in node else now

    @property
    def tells_all(self):
        return self.state in ("subject", "feed") and not self.is_blocked


class Held:
    def __init__(self, node, dictionary, now):
        statements = node.get("statements", [])
        self.status = node.get("status", "found" if statements else "no_subject")
        self.disputed = node.get("disputed", False)
        self.coverage = {
            (one["source"], one["entity"]): Coverage(one, now) for one in node.get("coverage", [])}
        rows = {}
        for number, statement in enumerate(statements):
            entity = dictionary.entities[statement["entity"]]
            key = statement["source"], entity.name, statement.get("row", str(number if entity.is_many else 0))
            rows.setdefault(key, Row(statement["source"], entity, key[2])).tell(statement, now)
        self.rows = [rows[key] for key in sorted(rows, key=str)] if self.status == "found" else []


NOTHING = {"status": "no_subject"}


def identity(node):
    """(kind, canonical number) of a subject; the number is None when it is none."""
    if node["entity"] == "person" or "id_type" in node:
        kind, number = node["id_type"], values.fold(node["id_no"])
    else:
        name = next(name for name in node if name != "entity")
        kind = {"regno": "reg_no", "tax_no": "taxpayer_no"}.get(name, name)
        number = values.fold(node[name])
    if kind == "resident_id":
        number = values.resident18(number)
    if kind == "uscc" and not values.is_uscc(number):
        number = None
    if kind == "reg_no" and not values.is_reg_no(number):
        number = None
    return kind, number


def twins(subject):
    """The ways to name a subject that are computed from one of them."""
    kind, number = subject
    found = {subject}
    if kind == "taxpayer_no" and not values.resident18(number):
        found |= {("uscc", number)} if values.is_uscc(number) else set()
        found |= {("reg_no", number)} if values.is_reg_no(number) else set()
    return found


# -- the case --

class Subject:
    def __init__(self, role, pointer, node):
        self.role, self.pointer = role, pointer
        self.kind, self.number = identity(node)

    @property
    def is_valid(self):
        return self.number is not None

    @property
    def identity(self):
        return self.kind, self.number


class Case:
    """A question and what is held, for one matter."""

    def __init__(self, question, held, now, matter, dictionary):
        self.question, self.now, self.matter, self.dictionary = question, now, matter, dictionary
        self.on = day_at(now) if "on" not in question else language.day_of(question["on"])
        submitted = question.get("submitted_at")
        self.submitted = None if submitted is None else time_of(submitted)
        self.subjects = []
        for name, role in matter.roles.items():
            nodes = question["subjects"].get(name, [])
            if isinstance(nodes, dict):
                self.subjects.append(Subject(role, f"/subjects/{name}", nodes))
                continue
            self.subjects += [
                Subject(role, f"/subjects/{name}/{i}", node) for i, node in enumerate(nodes)]
        self.held = {}
        for node in held:
            self.held[identity(node["of"])] = Held(node, dictionary, now)

    def held_of(self, subject):
        for one in twins(subject):
            if one in self.held:
                return self.held[one]
        return Held(NOTHING, self.dictionary, self.now)

    def of_role(self, name):
        return [subject for subject in self.subjects if subject.role.name == name]

    def is_same(self, a, b):
        """One and the same by its number, in whichever roles it stands."""
        return a is b or a.is_valid and a.identity == b.identity

    def at(self, pointer):
        return next((one for one in self.subjects if one.pointer == pointer), None)

    def only(self, role):
        found = self.of_role(role)
        return found[0] if len(found) == 1 else None

    def claim(self, subject, field):
        """The claimed text; None where there is none."""
        for claim in self.question.get("claims", []):
            if claim["of"] == subject.pointer and claim["field"] == field:
                given = claim["value"]
                return str(given).lower() if isinstance(given, bool) else str(given)
        return None


def plain(value):
    """The one text of a value; None where there is none that is sure."""
    return None if value is None or value.is_unmapped or value.is_conflict else value.texts[0]
