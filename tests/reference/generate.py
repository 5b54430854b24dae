"""Invents cases for a matter: what is asked and what is held, around every boundary that the matter has.

A case has a mood, how likely each thing is as it should be, so that some cases pass, some fail in one place and some
in many. All people and organizations are invented: region 440311 does not exist.
"""
import datetime
import random

import evaluate
import values
from case import Case, Row, identity
from language import SHANGHAI, civil, day_of, day_text

MOODS = (1.0, 0.99, 0.97, 0.9, 0.6, 0.2)
SOURCES = ("market", "medical", "social", "tax", "civil_affairs", "other")
NAMES = ("林示例", "王虚构", "买买提·艾力", "欧阳无名", "林䶮例", "赵𬭎")
ORG_NAMES = ("深圳市光明区示例食品商行", "示例(深圳)有限公司", "虚构智造股份有限公司", "[示例]贸易行")
TEXTS = ("甲", "乙-1", "2026-01", "440311")
ADDRESSES = ("深圳市光明区示例路1号", "深圳市南山区示例路1号")
DOCUMENTS = (("hk_macao_permit", "H12345678"), ("foreign_passport", "E12345678"), ("taiwan_permit", "12345678"))
DAY_MS = 86400000


def moment(milliseconds):
    return datetime.datetime.fromtimestamp(milliseconds // 1000, SHANGHAI).isoformat()


class Invention:
    """One case of a matter."""

    def __init__(self, matter, dictionary, seed):
        self.matter, self.dictionary = matter, dictionary
        self.rng = random.Random(seed)
        self.mood = self.rng.choice(MOODS)
        self.held = {}
        self.claims = {}
        self.serial = 0

    # -- chance --

    def is_good(self):
        return self.rng.random() < self.mood

    def maybe(self, chance):
        return self.rng.random() < chance

    def pick(self, things):
        return self.rng.choice(list(things))

    def number(self):
        self.serial += 1
        return self.serial

    # -- the case --

    def case(self):
        self.choose_times()
        subjects = self.subjects()
        question = {"matter": self.matter.id, "case": "R-1", "subjects": subjects}
        if self.on != self.today or self.maybe(0.7):
            question["on"] = day_text(self.on)
        if self.submitted is not None:
            question["submitted_at"] = moment(self.submitted)
        for subject in self.people:
            self.hold(subject.identity, self.matter.elements, subject)
        for element in self.matter.elements:
            for subject in self.people if element.is_claimed else []:
                if subject.role.name in element.roles:
                    self.claimed(subject, element)
        question["claims"] = self.claims_made()
        question["attestations"] = self.attestations()
        question["materials"] = [
            {"id": one.id, "state": self.pick(("to_follow", "supplied", "e_licence"))}
            for one in self.matter.materials if self.is_good() or self.maybe(0.5)]
        if self.maybe(0.6):
            text = self.matter.commitment_text or "1"
            question["commitment"] = {
                "text_version": text if self.maybe(0.85) else "another", "signed_at": moment(self.now)}
        if self.maybe(0.03):
            self.spoil(question)
        return {"title": "invented", "now": moment(self.now), "question": question,
                "held": list(self.held.values()), "expect": {}}

    def spoil(self, question):
        """A question that nobody could answer, for one reason or several."""
        for _ in range(self.pick((1, 1, 2, 3))):
            kind = self.rng.randrange(7)
            if kind == 0:
                question["colour"] = "red"
            elif kind == 1:
                question["subjects"]["stranger"] = self.person()
            elif kind == 2:
                question["materials"].append({"id": "passport_photo", "state": "supplied"})
            elif kind == 3:
                question["claims"].append({"of": "/subjects/stranger", "field": "name", "value": "林示例"})
            elif kind == 4 and self.people:
                question["claims"].append({"of": self.people[0].pointer, "field": "death_date", "value": "2026-01-01"})
            elif kind == 5 and question["claims"]:
                question["claims"].append(dict(self.pick(question["claims"])))
            elif kind == 6:
                question["attestations"].append({
                    "kind": "real_name", "provider": "nobody", "of": "/subjects/stranger", "at": moment(self.now)})

    def choose_times(self):
        rng = self.rng
        # The years that the calendar has, or the last days of a version that was over before.
        last = min(day_of("2026-12-31"), (self.matter.effective_until or 99999) - 1)
        first = max(min(day_of("2025-01-01"), last - 400), self.matter.effective_from)
        self.on = rng.randint(first, last)
        if self.maybe(0.25):
            near = civil(self.on).replace(day=1)
            self.on = min(max(first, day_of(near.isoformat()) + rng.randint(-2, 20)), last)
        submitted = self.on * DAY_MS - 8 * 3600000 + rng.randrange(86400) * 1000
        late = self.pick((0, 5, 60, self.matter.wait_s - 1, self.matter.wait_s, self.matter.wait_s + 1, 10 ** 7))
        self.now = submitted + (5 if self.maybe(0.6) else late) * 1000
        self.today = (self.now + 8 * 3600000) // DAY_MS
        if self.maybe(0.05):
            self.now = submitted - rng.randrange(100) * 1000
            self.today = self.on if self.now >= self.on * DAY_MS - 8 * 3600000 else self.on - 1
        self.submitted = submitted if self.maybe(0.8) else None

    def subjects(self):
        found = {}
        for name, role in self.matter.roles.items():
            count = min(role.max, max(role.min, self.pick((1, 1, 1, 2, 3))))
            if role.min == 0 and self.maybe(0.4):
                count = 0
            nodes = [self.subject(role.kind, found) for _ in range(count)]
            if nodes:
                found[name] = nodes[0] if len(nodes) == 1 and self.maybe(0.7) else nodes
        self.asked = Case({"subjects": found}, [], self.now, self.matter, self.dictionary)
        self.people = self.asked.subjects
        return found

    def subject(self, kind, found):
        """A new one, or one that has another role already."""
        others = [
            node for nodes in found.values() for node in (nodes if isinstance(nodes, list) else [nodes])
            if node["entity"] == kind]
        if others and self.maybe(0.15):
            return self.pick(others)
        return self.person() if kind == "person" else self.organization()

    def person(self):
        if self.maybe(0.06):
            id_type, id_no = self.pick(DOCUMENTS)
            id_no = id_no[:-1] + str(self.number() % 10)
            return {"entity": "person", "id_type": id_type, "id_no": id_no}
        born = datetime.date(1930, 1, 1) + datetime.timedelta(days=self.rng.randrange(27000))
        first17 = f"440311{born:%Y%m%d}{self.number() % 900 + 100}"
        number = first17 + values.resident_check(first17)
        if self.maybe(0.05) and born.year < 2000:
            number = number[:6] + number[8:17]
        elif self.maybe((1 - self.mood) / 10 + 0.003):
            number = number[:17] + ("0" if number[17] != "0" else "1")
        return {"entity": "person", "id_type": "resident_id", "id_no": number}

    def uscc(self):
        body = f"MA{self.number() + 500:06}"
        first17 = self.pick(("91", "92")) + "440311" + body + values.org_code_check(body)
        return first17 + values.uscc_check(first17)

    def organization(self):
        if self.maybe(0.08):
            first14 = f"440311{self.number() + 600000:08}"
            return {"entity": "organization", "reg_no": first14 + values.reg_no_check(first14)}
        code = self.uscc()
        if self.maybe((1 - self.mood) / 10 + 0.003):
            code = code[:17] + ("0" if code[17] != "0" else "1")
        return {"entity": "organization", self.pick(("uscc", "uscc", "uscc", "tax_no")): code}

    # -- what is claimed and attested --

    def claims_made(self):
        made = []
        for (pointer, field), given in self.claims.items():
            if self.is_good() or self.maybe(0.8):
                made.append({"of": pointer, "field": field, "value": given})
        return made

    def claimed(self, subject, element):
        """What the subject says of a field: decided once, for what is held follows it."""
        key = subject.pointer, element.field.name
        if key not in self.claims:
            value = self.good_value(element) if self.is_good() else self.plain_value(element.field)
            value = self.in_yuan(value) if element.field.type == "amount" else value
            self.claims[key] = self.spelled(element.field, value)
            for one in self.matter.elements:
                if one.when is not None and one.when[0] == element.field.name and self.maybe(0.5):
                    self.claims[key] = self.pick(one.when[1])
        return self.claims[key]

    def spelled(self, field, text):
        """The value as an applicant may write it."""
        if not self.is_good() and self.maybe(0.3) and field.type not in ("text", "native_code", "address"):
            return self.pick(("", "？", "2026-13", "-"))
        if not self.maybe(0.15):
            return text
        if field.type in ("name", "org_name"):
            return self.pick((text[:1] + "\u3000" + text[1:], f" {text}", text.replace("·", "•"), text + "Ａｂ"))
        if field.type == "date":
            return self.pick((text.replace("-", ""), text[:7]))
        return text

    def in_yuan(self, text):
        """Amounts are held in fen and claimed in yuan."""
        return f"{int(text) // 100}.{int(text) % 100:02}"

    def attestations(self):
        given = []
        at = self.now if self.submitted is None else self.submitted
        for element in self.matter.elements:
            rule = element.attestation
            subjects = [one for one in self.people if one.role.name in element.roles]
            for subject in subjects if rule is not None else []:
                age = self.pick((0, 1, rule.max_age_s // 2, rule.max_age_s))
                provider = self.pick(rule.providers)
                if not self.is_good():
                    age = self.pick((-1, -3600, rule.max_age_s + 1, 10 ** 8, age))
                    provider = self.pick(rule.providers + ["nobody"])
                    if self.maybe(0.4):
                        continue
                one = {"kind": rule.kind, "provider": provider, "at": moment(at - age * 1000)}
                if len(subjects) > 1 and (self.is_good() or self.maybe(0.5)) or self.maybe(0.3):
                    one["of"] = subject.pointer
                given.append(one)
        return given

    # -- what is held --

    def dispute(self, elements):
        """Of what some element reads, of a source that it may ask, or of all sources one."""
        element = self.pick([one for one in elements if one.entity] or elements)
        entity = self.pick((element.entity, self.dictionary.entities["relation"])) if element.relations else element.entity
        if entity is None or self.maybe(0.05):
            entity = self.pick(list(self.dictionary.entities.values()))
        one = {"source": self.pick(list(element.sources) + list(SOURCES[:4])), "entity": entity.name}
        if self.maybe(0.6):
            one["field"] = self.pick(list(entity.fields))
        return one

    def hold(self, identity, elements, subject=None, depth=0):
        """Rows and coverage of one subject for these elements."""
        if identity in self.held or identity[1] is None:
            return
        node = self.held[identity] = {"of": self.node_of(identity)}
        if not self.is_good() and self.maybe(0.25):
            node["status"] = self.pick(("no_subject", "ambiguous", "withheld"))
        if self.maybe(0.01 + (1 - self.mood) / 10):
            node["disputed"] = self.maybe(0.3) or [self.dispute(elements) for _ in range(self.pick((1, 1, 2)))]
        statements, coverage = node.setdefault("statements", []), node.setdefault("coverage", [])
        here = [one for one in elements if subject is None or subject.role.name in one.roles]
        direct = here if depth else [one for one in here if not one.relations]
        for entity in sorted({one.entity.name for one in direct if one.entity}):
            asking = [one for one in direct if one.entity is self.dictionary.entities[entity]]
            statements += self.rows(asking, subject, identity)
            coverage += self.coverage(asking)
        for element in here if depth == 0 else []:
            if element.relations:
                self.relate(element, node, subject)
        if node.get("status") not in (None, "found"):
            del node["statements"]
        elif not statements and self.maybe(0.3):
            node["status"] = "found"
        node["coverage"] = list({(one["source"], one["entity"]): one for one in coverage}.values())

    def node_of(self, identity):
        kind, number = identity
        subject = self.dictionary.id_kinds[kind].get("subject")
        if kind == "uscc" or kind == "reg_no":
            return {"entity": subject, kind: number}
        return {"entity": subject, "id_type": kind, "id_no": number}

    def sources(self, elements):
        listed = [source for one in elements for source in one.sources] or list(SOURCES[:4])
        found = {source for source in listed if self.maybe(0.6)} or {self.pick(listed)}
        return sorted(found | ({self.pick(SOURCES)} if self.maybe(0.1) else set()))

    def coverage(self, elements):
        told = []
        entity = elements[0].entity.name
        listed = {source for one in elements for source in one.sources} or set(SOURCES[:4])
        for source in sorted(listed | ({self.pick(SOURCES)} if self.maybe(0.2) else set())):
            if self.is_good() and self.maybe(0.8):
                state, blocked = self.pick(("subject", "feed")), False
            else:
                state, blocked = self.pick(("none", "gap", "subject", "feed", "feed")), self.maybe(0.2)
            one = {"source": source, "entity": entity, "state": state}
            if blocked:
                one["blocked"] = True
            if self.maybe(0.5):
                one["through"] = self.some_time(elements)
            if self.is_good() or self.maybe(0.6):
                told.append(one)
        return told

    def some_time(self, elements):
        """A time that the freshness of an element may turn on."""
        element = self.pick(elements)
        first = self.on - element.closes_after
        closed = (first - civil(first).day + 1) * DAY_MS - 8 * 3600000
        age = element.max_age_s * 1000
        if self.is_good():
            return moment(self.pick(
                (self.now, self.now - age, self.now - age // 2, max(closed, self.now - DAY_MS))))
        return moment(self.pick(
            (self.now - age - 1000, closed - 1000, closed, self.now - 10 ** 11, self.now - 30 * DAY_MS)))

    def rows(self, elements, subject, identity):
        entity = elements[0].entity
        made = []
        for source in self.sources(elements):
            asking = [one for one in elements if not one.sources or source in one.sources] or elements
            if not entity.is_many:
                if any(one.polarity == "must_not_exist" for one in asking) and self.is_good():
                    continue
                made += self.statements(entity, source, None, self.row(asking, subject))
                continue
            if any(one.months for one in asking) and self.maybe(0.9):
                made += self.paid(self.pick([one for one in asking if one.months]), asking, source, subject)
            for _ in range(self.row_count(asking)):
                made += self.fitting(asking, source, subject)
        if self.maybe(0.05) and any(one.is_claimed for one in elements):
            made += self.verdict(elements, subject, identity)
        return made

    def row_count(self, asking):
        if all(one.polarity == "must_not_exist" for one in asking) and self.is_good():
            return self.pick((0, 0, 1, 2))
        return self.pick((0, 1, 1, 1, 2, 3)) if not self.is_good() else self.pick((1, 1, 2))

    def fitting(self, asking, source, subject):
        """A row; where things are as they should be one that no element minds."""
        is_good = self.is_good()
        for _ in range(8):
            values_of = self.row(asking, subject)
            made = self.statements(asking[0].entity, source, f"r{self.number()}", values_of, subject)
            row = Row(source, asking[0].entity)
            for one in made:
                row.tell(one, self.now)
            counts = {
                evaluate.Judge(self.asked, one, subject).counts(row)
                for one in asking if one.polarity == "must_not_exist"}
            if not is_good or counts <= {evaluate.NO}:
                return made
        return []

    def statements(self, entity, source, row, values_of, subject=None):
        """One row in one statement or, now and then, told by two feeds."""
        one = {"source": source, "entity": entity.name, "values": values_of}
        if row is not None:
            one["row"] = row
        if entity.is_relation:
            one["other"] = self.other_party(subject)
            one["inverse"] = (subject is not None and subject.role.kind == "person") != self.maybe(0.1)
        if self.maybe(0.6):
            one["as_of"] = self.times_of(entity)
        if self.maybe(0.2):
            one["received"] = self.times_of(entity)
        if not self.is_good() and self.maybe(0.15):
            one["blocked"] = True
        if not self.maybe(0.12) or not values_of:
            return [one]
        other = dict(one, section="other", values={})
        for name in list(values_of):
            if entity.fields[name].is_key:
                other["values"][name] = values_of[name]
            elif self.maybe(0.5):
                given = values_of[name] if self.maybe(0.4) else self.any_value(entity.fields[name])
                other["values"][name] = given
        if self.maybe(0.5):
            other["rank"] = self.pick((9, 10, 20))
        if self.maybe(0.5):
            other["as_of"] = self.times_of(entity)
        return [one, other]

    def times_of(self, entity):
        asking = [one for one in self.matter.elements if one.entity is entity]
        return self.some_time(asking or self.matter.elements)

    def other_party(self, subject):
        """Of a relation: a subject of the case, or somebody else."""
        if self.people and self.maybe(0.7):
            valid = [one for one in self.people if one.is_valid and one is not subject]
            if valid:
                return self.node_of(self.pick(valid).identity)
        return self.node_of(("uscc", self.uscc()))

    def row(self, elements, subject):
        """Values of one row, made for one of the elements and with something for the others."""
        made = {}
        chosen = self.pick(elements)
        for element in sorted(elements, key=lambda one: one is not chosen):
            for one in element.filters:
                if one.field is not None and one.field.name not in made:
                    made[one.field.name] = self.filtered(one)
            field = element.field
            if field is not None and (field.name not in made):
                made[field.name] = self.held_value(element, subject)
        entity = elements[0].entity
        for field in entity.fields.values():
            if field.is_key and field.name not in made and self.maybe(0.5):
                made[field.name] = self.any_value(field)
        for name in list(made):
            if entity.fields[name].is_key:
                if not isinstance(made[name], (str, dict)):
                    made[name] = self.plain_value(entity.fields[name])
            elif made[name] is Ellipsis or not self.is_good() and self.maybe(0.2):
                del made[name]
        if "former_name" in entity.fields and self.maybe(0.1):
            claims = [given for (_, field), given in self.claims.items() if field == "name" and given]
            made["former_name"] = self.normal(entity.fields["name"], self.pick(claims or NAMES))
        return made

    def filtered(self, one):
        """A value on one side of a filter or the other."""
        is_in = self.maybe(0.6)
        if self.maybe(0.08):
            return self.any_value(one.field)
        if one.values is not None:
            value = self.pick(one.values) if is_in != one.is_not else self.plain_value(one.field)
            return (None if self.maybe(0.7) else Ellipsis) if value == "" else value
        if one.same_as is not None:
            subject = self.asked.only(one.same_as)
            return subject.number if is_in and subject is not None and subject.number else self.uscc()
        if self.maybe(0.1):
            return None
        if one.number.is_asked:
            return str(max(0, self.around(one.number)))
        if one.days.is_asked:
            return self.date(self.on - self.around(one.days))
        years = self.around(one.years)
        day = civil(self.on)
        there = datetime.date(day.year - years, day.month, min(day.day, 28))
        return self.date(day_of(there.isoformat()) + self.pick((-1, 0, 0, 1, 300)))

    def around(self, bounds):
        ends = [end for end in (bounds.at_least, bounds.at_most) if end is not None]
        return self.pick(ends) + self.pick((-1, 0, 0, 1, self.rng.randint(-40, 40)))

    def date(self, day):
        text = day_text(max(day, day_of("1900-01-01")))
        return text[:7] if self.maybe(0.05) else text

    def held_value(self, element, subject):
        field = element.field
        if subject is not None and element.is_claimed and element.test is None:
            claim = self.claimed(subject, element)
            if self.is_good():
                return self.normal(field, claim)
            return self.unlike(field, claim, element)
        if self.is_good():
            return self.good_value(element)
        if self.maybe(0.3):
            return self.pick((None, Ellipsis, [self.plain_value(field), self.plain_value(field) + "0"]))
        return self.any_value(field)

    def normal(self, field, claim):
        try:
            return values.normal_claim(field, claim)
        except (values.NoValue, TypeError):
            return self.plain_value(field)

    def unlike(self, field, claim, element):
        """Something that is not quite what is claimed."""
        text = self.normal(field, claim)
        if field.type in ("name", "org_name"):
            return self.pick((
                text.replace("·", ""), text[:1] + "·" + text[1:], {"placeholder": "?" + text[1:]},
                {"placeholder": text[:-1] + "□"}, text + "二", text.replace("(", "").replace(")", ""),
                [text, text + "二"], None, Ellipsis, self.any_value(field)))
        if field.type in ("date", "month"):
            return self.pick((text[:7], text[:4], self.any_value(field), None))
        if field.type == "amount":
            off = self.pick((element.tolerance, element.tolerance + 1, 1))
            return str(int(text) + off) if self.maybe(0.8) else None
        return self.any_value(field)

    def good_value(self, element):
        field, test = element.field, element.test
        if test is not None and test.kind == "in_list":
            chosen = self.rng.sample(test.list, min(len(test.list), self.pick((1, 2, 3))))
            chosen[0] += "" if self.is_good() else self.pick(("（虚构）", "?"))
            return self.pick(("；", ";")).join(chosen)
        if test is not None and test.kind == "number":
            return str(max(0, self.around(test.range)))
        if test is not None:
            number = self.around(test.range)
            if test.kind == "days_since":
                return self.date(self.on - number)
            day = civil(self.on)
            there = datetime.date(day.year - max(number, 0), day.month, min(day.day, 28))
            return self.date(day_of(there.isoformat()) + self.pick((-1, 0, 1, 300, -300)))
        if element.same_as is not None:
            subject = self.asked.only(element.same_as)
            return subject.number if subject is not None and subject.number else self.uscc()
        if element.values:
            return self.pick(element.values)
        return self.plain_value(field)

    def plain_value(self, field):
        if field.type == "name":
            return self.pick(NAMES)
        if field.type == "org_name":
            return self.pick(ORG_NAMES)
        if field.type == "address":
            return self.pick(ADDRESSES)
        if field.type == "code":
            return self.pick(field.codes)
        if field.type == "date":
            return self.date(self.on - self.rng.randint(-400, 20000))
        if field.type == "month":
            return day_text(self.on - self.rng.randint(-40, 400))[:7]
        if field.type == "time":
            return moment(self.now - self.rng.randint(-3, 3) * DAY_MS)
        if field.type in ("amount", "count"):
            return str(self.pick((0, 1, 100, 3000000)))
        if field.type == "bool":
            return self.pick(("true", "false"))
        if field.type == "identifier":
            return self.uscc()
        return self.pick(TEXTS)

    def any_value(self, field):
        chance = self.rng.random()
        if chance < 0.1:
            return None
        if chance < 0.2 and field.type == "code":
            return {"unmapped": "99"}
        if chance < 0.25 and field.type in ("name", "org_name"):
            return {"placeholder": "?" + self.plain_value(field)[1:]}
        one, other = self.plain_value(field), self.plain_value(field)
        return [one, other] if chance < 0.3 and one != other else one

    # -- months, verdicts, relations --

    def paid(self, element, asking, source, subject):
        """Payments up to about the last closed month."""
        rule = element.months
        judge = evaluate.Judge(self.asked, element, subject)
        judge.on = self.on
        last = judge.closed_month() + self.pick((0, 0, 0, 1, -1))
        count = max(0, rule.at_least + self.pick((0, 0, 1, 2, -1)))
        made = []
        for month in range(last, last - count, -1):
            row = self.row(asking, subject)
            for one in element.filters:
                if one.field is not None and one.values is not None and not one.is_not and self.is_good():
                    row[one.field.name] = one.values[0] or None
            year, index = divmod(month, 12)
            row[rule.field.name] = f"{year:04}-{index + 1:02}"
            if rule.kind is not None:
                row[rule.kind.name] = "normal" if self.maybe(0.9) else self.any_value(rule.kind)
            if not self.is_good() and self.maybe(0.3):
                continue
            made += self.statements(element.entity, source, f"r{self.number()}", row)
        return made

    def verdict(self, elements, subject, identity):
        element = self.pick([one for one in elements if one.is_claimed])
        if subject is None or element.test is not None:
            return []
        claim = self.normal(element.field, self.claimed(subject, element))
        if self.maybe(0.2):
            claim += "二"
        name = "person_verification" if subject.role.kind == "person" else "verification"
        row = {"claims_digest": evaluate.claim_digest(identity, element.field, claim),
               "verdict": self.pick(("consistent", "consistent", "inconsistent", {"unmapped": "9"}))}
        if self.maybe(0.7):
            row["expires"] = moment(self.now + self.pick((-1, 0, 1, 86400)) * 1000)
        source = self.pick(element.sources or SOURCES[:4])
        return self.statements(self.dictionary.entities[name], source, f"r{self.number()}", row, subject)

    def relate(self, element, node, subject):
        relation = self.dictionary.entities["relation"]
        count = self.pick((0, 1, 1, 2, 3))
        if self.maybe(0.004):
            count = element.fan_out_max + self.pick((0, 1))
        kind = element.entity.subject
        for _ in range(count):
            if kind == "organization":
                end = "uscc", self.uscc()
            else:
                end = identity(self.person())
            if end[1] is None:
                continue
            role = self.pick(element.relations) if self.maybe(0.85) else self.any_value(relation.fields["role"])
            for source in {self.pick(SOURCES[:4]) for _ in range(2)}:
                made = self.statements(relation, source, None, {"role": role}, subject)
                for one in made:
                    one["row"] = f"r{self.number()}" if one is made[0] else made[0]["row"]
                    one["other"] = self.node_of(end)
                    one["inverse"] = element.is_inverse
                node["statements"] += made
            if self.is_good() or self.maybe(0.5):
                asking = [one for one in self.matter.elements
                          if one.relations and one.entity.subject == kind]
                self.hold(end, asking, None, 1)
        if self.is_good() or self.maybe(0.5):
            node["coverage"].append({"source": "market", "entity": "relation",
                                     "state": self.pick(("feed", "subject")) if self.is_good() else "gap"})


def invent(matter, dictionary, seed):
    return Invention(matter, dictionary, seed).case()
