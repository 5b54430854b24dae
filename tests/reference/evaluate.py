"""What each element of a matter comes to for each subject of a case: the findings.

From doc/matters.md, schemas/matter.xsd, schemas/rules.tsv and the headers of gateway/answer (element, evidence, path,
row, verified, test).
"""
import hashlib

import language
import values
from case import plain
from language import time_of
from values import DIFFERENT, NEAR, SAME, UNSURE

CODE_OF = {SAME: "match", NEAR: "near", UNSURE: "indeterminate", DIFFERENT: "mismatch"}
# Worse is later: the written order of the codes (bd_finding_badness).
CODES = ("match", "near", "unavailable", "absent", "no_record", "ambiguous", "indeterminate", "withheld", "mismatch",
         "invalid")
DAY_MS = 86400000
# A time may be so far ahead of our clock (design.md, 5).
CLOCK_AHEAD_MS = 600000


class Finding:
    def __init__(self, code, flags=(), waits=False, mends_on=None):
        self.code = code
        self.flags = set(flags)
        self.is_lasting = False  # no source answers for this kind of document, ever
        self.heard = None  # of values, how many sources have spoken
        self.waits = waits  # a source that is down, late or has not told of it yet
        self.mends_on = mends_on  # the day from which it will hold
        self.element = self.subject = None

    @property
    def is_accepted(self):
        return self.code in self.element.accepted and self.flags <= self.element.tolerated

    @property
    def is_retryable(self):
        """A source that has not told of it yet, or lately; a day that has not come."""
        is_late = self.code in self.element.accepted and self.flags - self.element.tolerated == {"stale"}
        return self.waits or is_late or self.mends_on is not None


def unavailable():
    return Finding("unavailable", waits=True)


def findings_of(case):
    """One for each element and subject that it is asked of, in the matter's order."""
    found = []
    for element in case.matter.elements:
        for subject in case.subjects:
            if subject.role.name in element.roles and applies(case, element, subject, found):
                finding = Judge(case, element, subject).finding()
                finding.element, finding.subject = element, subject
                found.append(finding)
    return found


def applies(case, element, subject, found):
    if element.when is not None:
        claim = case.claim(subject, element.when[0])
        if claim is not None and claim.strip() not in element.when[1]:
            return False
    return not any(
        one.element.id == element.unless and one.subject is subject and one.is_accepted for one in found)


NO, YES, MAYBE = range(3)


class Judge:
    """One element for one subject."""

    def __init__(self, case, element, subject):
        self.case, self.element, self.subject = case, element, subject
        self.on, self.now = case.on, case.now

    def finding(self):
        element = self.element
        if element.attestation is not None:
            return self.attested()
        if element.is_claimed and element.test is not None:
            return self.claim_tested()
        if not self.subject.is_valid:
            return Finding("invalid")
        if element.documents and self.subject.kind not in element.documents:
            finding = Finding("unavailable")
            finding.is_lasting = True
            return finding
        held = self.case.held_of(self.subject.identity)
        return self.along_path(held) if element.relations else self.at(held)

    def at(self, held):
        """The element at one subject, without its path."""
        if held.status in ("withheld", "ambiguous"):
            return Finding(held.status)
        if self.element.months is not None:
            finding = self.months(held)
        elif self.element.polarity == "must_agree":
            finding = self.agreement(held)
        else:
            finding = self.existence(held)
        if self.is_disputed(held, self.element.entity.name):
            finding.flags.add("disputed")
        return finding

    def is_disputed(self, held, entity, asked=True):
        """All of it, or what an asked source says of the entity or of a field that the element looks at."""
        if isinstance(held.disputed, bool):
            return held.disputed
        return any(
            one["entity"] == entity and (not asked or self.asks(one["source"]) and self.looks_at(one.get("field")))
            for one in held.disputed)

    def looks_at(self, field):
        """Where rows are only counted all that they say is looked at."""
        element = self.element
        fields = [element.field] + [one.field for one in element.filters]
        if element.months is not None:
            fields += [element.months.field, element.months.kind]
        names = {one.name for one in fields if one is not None}
        if element.field is not None and element.field.name == "name":
            names.add("former_name")
        return field is None or field in names or element.field is None and not element.filters

    # -- by itself --

    def attested(self):
        """The last one that is attested of the subject, or the first that is good."""
        rule = self.element.attestation
        found = Finding("absent")
        for one in self.case.question.get("attestations", []):
            of = self.case.at(one["of"]) if "of" in one else None
            if one["kind"] != rule.kind or of is not None and not self.case.is_same(of, self.subject):
                continue
            is_whose = of is not None or not self.others_attested(rule.kind)
            found = self.attestation(rule, one) if is_whose else Finding("indeterminate")
            if found.code == "match":
                break
        return found

    def others_attested(self, kind):
        """Is somebody else of the case to be attested in the same way?"""
        roles = {
            role for element in self.case.matter.elements
            if element.attestation is not None and element.attestation.kind == kind for role in element.roles}
        return any(
            one.role.name in roles and not self.case.is_same(one, self.subject) for one in self.case.subjects)

    def attestation(self, rule, one):
        at = time_of(one["at"])
        asked = self.now if self.case.submitted is None else self.case.submitted
        if one["provider"] not in rule.providers or at > self.now + CLOCK_AHEAD_MS:
            return Finding("indeterminate")
        return Finding("match") if asked - at <= rule.max_age_s * 1000 else Finding("indeterminate", {"stale"})

    def read_claim(self):
        given = self.case.claim(self.subject, self.element.field.name)
        if given is None:
            raise values.NoValue
        return values.normal_claim(self.element.field, given), given

    def claim_tested(self):
        try:
            normal, given = self.read_claim()
        except values.NoValue:
            return Finding("invalid")
        likeness = self.test(normal)
        return Finding(CODE_OF[likeness], mends_on=self.mends_on(likeness, normal))

    # -- conditions --

    def test(self, text):
        test = self.element.test
        if test.kind == "age":
            return values.age(text, self.on, test.range)
        if test.kind == "days_since":
            return values.days_since(text, self.on, test.range)
        if test.kind == "number":
            return values.number_in(text, test.range)
        is_text = self.element.field.type == "text"
        return values.compare_listed(
            text, values.SCOPE_SEPARATORS if is_text else values.SET_SEPARATORS, test.list)

    def mends_on(self, likeness, text):
        """The day on which a test that only waits will hold."""
        test = self.element.test
        if test is None or not test.waits or likeness != DIFFERENT or test.range.at_least is None:
            return None
        span = values.date_span(text)
        if span is None or span[0] != span[1] or self.on - span[0] >= test.range.at_least:
            return None
        return span[0] + test.range.at_least

    # -- rows --

    def asks(self, source):
        return not self.element.sources or source in self.element.sources

    def rows(self, held):
        """(row, counts) of the element's entity from the sources that it asks."""
        found = [row for row in held.rows if row.entity is self.element.entity and self.asks(row.source)
                 and not row.is_inverse]
        return [(row, self.counts(row)) for row in found]

    def counts(self, row):
        asked = [self.passes(row, one) for one in self.element.filters]
        return NO if NO in asked else MAYBE if MAYBE in asked else YES

    def passes(self, row, one):
        if one.other_role is not None:
            subject = self.case.only(one.other_role)
            if row.other is None or subject is None or not subject.is_valid:
                return MAYBE
            likeness = values.compare_identifier(subject.identity, [row.other])
            return {SAME: YES, UNSURE: MAYBE, DIFFERENT: NO}[likeness]
        value = row.value(one.field)
        if value is not None and (value.is_unmapped or value.is_conflict or value.has_placeholder):
            return MAYBE
        if one.values is not None:
            text = "" if value is None else value.texts[0]
            return YES if (text in one.values) != one.is_not else NO
        if value is None:
            return YES if one.or_none else MAYBE
        text = value.texts[0]
        if one.same_as is not None:
            subject = self.case.only(one.same_as)
            if subject is None or not subject.is_valid:
                return MAYBE
            likeness = values.compare_number(text, subject.number)
        elif one.number.is_asked:
            likeness = values.number_in(text, one.number)
        elif one.days.is_asked:
            likeness = values.days_since(text, self.on, one.days)
        else:
            likeness = values.age(text, self.on, one.years, True)
        return {SAME: YES, NEAR: MAYBE, UNSURE: MAYBE, DIFFERENT: NO}[likeness]

    def is_blocked(self, held):
        return any(row.is_blocked for row, _ in self.rows(held))

    # -- coverage and age --

    def absence(self, held, proven, entity=None, reach=None):
        """What the lack of a row proves: by as many sources as are needed, as fresh as the last of these."""
        covering = self.covering(held, entity or self.element.entity)
        if any(one.is_blocked for one in covering):
            return Finding("indeterminate")
        told = [one.through for one in covering if one.tells_all and (reach is None or one.through >= reach)]
        if len(told) < self.element.sources_needed:
            return unavailable()
        if held.status == "no_subject" and proven == "absent":
            proven = "no_record"
        finding = Finding(proven)
        if self.element.freshness != "any" and sorted(told)[-self.element.sources_needed] < self.fresh_from():
            self.too_old(finding)
        return finding

    def covering(self, held, entity):
        return [
            one for (source, name), one in held.coverage.items() if name == entity.name and self.asks(source)]

    def fresh_from(self):
        """What was told up to here or later is fresh."""
        if self.element.freshness == "period":
            return self.closed_until() * DAY_MS - 8 * 3600000
        return self.now - self.element.max_age_s * 1000

    def told_until(self, held, source, received):
        """Of a row, by the element's freshness: when it was heard of, or how far its source has told all."""
        if self.element.freshness == "observed":
            return received
        coverage = held.coverage.get((source, self.element.entity.name))
        return 0 if coverage is None else coverage.through

    def judge_age(self, finding, until):
        if self.element.freshness != "any" and until < self.fresh_from():
            self.too_old(finding)

    @staticmethod
    def too_old(finding):
        """A difference may have been put right since."""
        finding.flags.add("stale")
        if finding.code == "mismatch":
            finding.code = "indeterminate"

    def closed_month(self):
        """The last month that is closed, as values.month_number."""
        day = language.civil(self.on - self.element.closes_after)
        return day.year * 12 + day.month - 2

    def closed_until(self):
        year, month = divmod(self.closed_month() + 1, 12)
        return language.day_of(f"{year:04}-{month + 1:02}-01")

    # -- existence --

    def existence(self, held):
        is_good = self.element.polarity == "must_exist"
        rows = [(row, counts) for row, counts in self.rows(held) if counts != NO]
        field = self.element.field
        if field is not None:
            rows = [(row, self.unless_conflict(row, field, counts)) for row, counts in rows
                    if row.value(field) is not None]
        sure = [row for row, counts in rows if counts == YES]
        if self.is_blocked(held):
            return Finding("indeterminate")
        if not rows:
            return self.absence(held, "absent" if is_good else "match")
        if not sure:
            finding = Finding("indeterminate")
        elif is_good and len({row.source for row in sure}) < self.element.sources_needed:
            finding = unavailable()
        else:
            finding = Finding("match" if is_good else "mismatch")
        self.judge_age(finding, max(
            self.told_until(held, row.source, row.received) for row in sure or [row for row, _ in rows]))
        return finding

    @staticmethod
    def unless_conflict(row, field, counts):
        return MAYBE if row.value(field).is_conflict else counts

    def months(self, held):
        rule = self.element.months
        months, heard = [], []
        for row, counts in self.rows(held):
            value = row.value(rule.field)
            month = None if value is None else values.month_number(value.texts[0])
            if counts == NO or month is None:
                continue
            is_sure = counts == YES and not value.is_conflict and not row.is_blocked
            months.append((month, self.kind_of(row) if is_sure else "unknown"))
            heard.append((row.received, row.source))
        sure, possible = values.months_paid(
            months, self.closed_month(), rule.counts_back_paid, rule.is_continuous)
        likeness = values.enough(sure, possible, rule.at_least)
        if likeness == DIFFERENT:
            proven = "mismatch" if months else "absent"
            return self.absence(held, proven, None, self.closed_until() * DAY_MS - 8 * 3600000)
        finding = Finding(CODE_OF[likeness])
        if likeness == SAME:
            received, source = max(heard)
            self.judge_age(finding, self.told_until(held, source, received))
        return finding

    def kind_of(self, row):
        field = self.element.months.kind
        if field is None:
            return "normal"
        value = row.value(field)
        is_known = value is not None and not value.is_unmapped and not value.is_conflict
        return value.texts[0] if is_known else "unknown"

    # -- agreement --

    def agreement(self, held):
        element = self.element
        if element.is_claimed:
            try:
                self.claimed = self.read_claim()
            except values.NoValue:
                return Finding("invalid")
        opinions, is_unsure = [], False
        for row, counts in self.rows(held):
            value = row.value(element.field)
            if counts != NO and value is not None:
                is_unsure |= counts == MAYBE
                opinions.append(Opinion(row, value, self.likeness(value)))
        finding = self.merged(held, opinions, is_unsure) if opinions else (
            Finding("indeterminate") if self.is_blocked(held) else self.absence(held, "absent"))
        verdict = self.verified(held) if element.is_claimed else None
        if verdict is not None and not opinions:
            return verdict
        if verdict is not None and (verdict.code == "match") != (finding.code in ("match", "near")):
            finding.flags.add("conflict")
        return finding

    def likeness(self, value):
        if value.is_unmapped or value.is_conflict:
            return UNSURE
        text, element = value.texts[0], self.element
        if element.test is not None:
            return self.test(text)
        if element.same_as is not None:
            subject = self.case.only(element.same_as)
            if subject is None or not subject.is_valid:
                return UNSURE
            return values.compare_number(text, subject.number)
        if element.is_claimed:
            return self.compare(self.claimed[0], text)
        return self.listed(value, text)

    def listed(self, value, text):
        """One of the values that the matter takes; a source that does not know says neither."""
        field = self.element.field
        if text in self.element.values:
            return SAME
        is_unknown = field.type == "code" and (
            values.compare_code(text, self.element.values[0]) == UNSURE
            or field.merge == "any_adverse" and not is_adverse(field, value))
        return UNSURE if is_unknown else DIFFERENT

    def compare(self, a, b):
        field = self.element.field
        if field.compare == "amount":
            return values.compare_amount(a, b, self.element.tolerance)
        by_name = {
            "name": values.compare_name, "org_name": values.compare_org_name, "date": values.compare_date,
            "code": values.compare_code, "identifier": values.compare_number, "set": values.compare_set,
            "address": compare_address}
        if field.compare in by_name:
            return by_name[field.compare](a, b)
        return values.same_if(a == b)

    def merged(self, held, opinions, is_unsure):
        """Several rows and sources to one finding, by the field's way to merge."""
        field = self.element.field
        decides = min(opinions, key=self.place)
        likeness = decides.likeness
        # What a source says of another of its rows is no contradiction.
        others = [one for one in opinions if one.source != decides.source or one.key == decides.key]
        goods = [one for one in others if one.likeness in (SAME, NEAR)]
        bads = [one for one in others if one.likeness == DIFFERENT]
        flags = {"conflict"} if decides.value.is_conflict else set()
        if field.merge != "union" and goods and bads:
            flags.add("conflict")
        if field.merge == "authority" and self.is_undecided(opinions, decides):
            likeness = UNSURE
        finding = Finding(CODE_OF[likeness], flags)
        if self.element.is_claimed and likeness == DIFFERENT and self.is_former(held):
            finding.code = "near"
            finding.flags.add("former")
        if self.is_blocked(held) or is_unsure:
            finding.code = "indeterminate"
        elif finding.code in ("match", "near") and self.has_silent_row(held, opinions):
            absent = self.absence(held, "absent")
            absent.flags |= finding.flags
            return absent
        elif finding.code in ("match", "near") and (
                len({one.source for one in opinions}) < self.element.sources_needed):
            finding.code, finding.waits = "unavailable", True
        if finding.code == "match" and self.element.is_claimed and self.claimed[0] != self.claimed[1]:
            finding.flags.add("normalized")
        if finding.code == "mismatch":
            finding.mends_on = self.mends_on(likeness, decides.value.texts[0])
        finding.heard = len({one.source for one in opinions})
        self.judge_age(finding, self.told_until(held, decides.source, decides.value.received))
        return finding

    def has_silent_row(self, held, opinions):
        """All rows of a source have to agree; of one that does not speak of the field nobody knows."""
        if not self.element.entity.is_many or self.element.field.merge == "union":
            return False
        sources = {one.source for one in opinions}
        return any(
            counts != NO and row.source in sources and row.value(self.element.field) is None
            for row, counts in self.rows(held))

    def place(self, one):
        """The least one decides: of rows that say as much the oldest where all have to, else the newest."""
        field = self.element.field
        received = one.value.received
        if field.merge == "union":
            return one.likeness, -received
        age = received if one.likeness in (SAME, NEAR) else -received
        if field.merge == "any_adverse":
            return not is_adverse(field, one.value), -one.likeness, self.authority(one), age
        return self.authority(one), -one.likeness, age

    def authority(self, one):
        order = self.element.field.authority
        return order.index(one.source) if one.source in order else len(order)

    def is_undecided(self, opinions, decides):
        """Sources of one rank contradict each other."""
        equals = [one for one in opinions if self.authority(one) == self.authority(decides)]
        return decides.likeness == DIFFERENT and any(
            one.source != decides.source and one.key == decides.key and one.likeness in (SAME, NEAR)
            for one in equals)

    def is_former(self, held):
        field = self.element.entity.fields.get("former_name")
        if field is None or self.element.field.name != "name":
            return False
        former = [row.value(field) for row, _ in self.rows(held)]
        return any(value is not None and self.claimed[0] in value.texts for value in former)

    # -- a source's own verdict --

    def verified(self, held):
        """The worst of the verdicts in force on this very claim; None where there is none."""
        name = "person_verification" if self.subject.role.kind == "person" else "verification"
        entity = self.case.dictionary.entities[name]
        wanted = claim_digest(self.subject.identity, self.element.field, self.claimed[0])
        told = []
        for row in held.rows:
            if row.entity is not entity or not self.asks(row.source) or row.is_inverse:
                continue
            digest, verdict, expires = (
                plain(row.value(entity.fields[field])) for field in ("claims_digest", "verdict", "expires"))
            if digest == wanted and expires is not None and self.now < time_of(expires):
                code = {"consistent": "match", "inconsistent": "mismatch"}.get(verdict, "indeterminate")
                code = "indeterminate" if row.is_blocked else code
                told.append((code, self.is_verdict_disputed(held, row)))
        if not told:
            return None
        code, is_disputed = max(told, key=lambda one: CODES.index(one[0]))
        finding = Finding(code)
        if is_disputed:
            finding.flags.add("disputed")
        return finding

    def is_verdict_disputed(self, held, row):
        return not isinstance(held.disputed, bool) and any(
            one["entity"] == row.entity.name and one["source"] == row.source for one in held.disputed)

    # -- paths --

    def along_path(self, held):
        """The worst of the path itself and its ends, or of as many ends as are enough."""
        if held.status in ("withheld", "ambiguous"):
            return Finding(held.status)
        relation = self.case.dictionary.entities["relation"]
        path = self.absence(held, "match", relation)
        if self.is_disputed(held, "relation", asked=False):
            path.flags.add("disputed")
        ends, is_unsure = [], False
        for row in held.rows:
            if row.entity is not relation or row.is_inverse != self.element.is_inverse:
                continue
            role = plain(row.value(relation.fields["role"]))
            if role is not None and role not in self.element.relations:
                continue
            if role is None or row.other is None or row.is_blocked:
                is_unsure = True
            elif row.other not in ends:
                ends.append(row.other)
        if len(ends) > self.element.fan_out_max:
            return Finding("indeterminate")
        if is_unsure:
            path = self.worse(path, Finding("indeterminate"))
        found = [self.at(self.case.held_of(end)) for end in ends]
        if self.element.quantifier == "every":
            return self.every(path, found)
        return self.enough(path, found, 1 if self.element.quantifier == "any" else self.element.at_least)

    def worse(self, one, other):
        """The worse of the two, with the flags of both."""
        for finding in (one, other):
            finding.element = self.element
        flags = one.flags | other.flags
        worst = other if rank(other) > rank(one) else one
        worst.flags = flags
        return worst

    def every(self, path, found):
        if not found and path.code == "match" and self.element.polarity != "must_not_exist":
            path.code = "absent"
        for one in found:
            path = self.worse(path, one)
        return path

    def enough(self, path, found, needed):
        for one in found:
            one.element = self.element
        found.sort(key=rank)
        good = [one for one in found if one.is_accepted]
        if len(good) >= needed:
            good[-1].flags |= path.flags & {"disputed"}
            return good[-1]
        failed = found[len(good):]
        if path.code == "match" and not path.flags and failed:
            return failed[0]
        if path.code == "match":
            path.code = "absent"
        return path


class Opinion:
    """What one row of one source says to the element."""

    def __init__(self, row, value, likeness):
        self.source, self.key = row.source, row.key
        self.value, self.likeness = value, likeness


def is_agency_check(finding):
    """Left open only by the State's own systems, of a non-core element: the agency looks afterwards."""
    return (not finding.element.is_core and finding.element.agency_due > 0
            and (finding.is_retryable or finding.is_lasting) and finding.mends_on is None)


def rank(finding):
    """Accepted, then what time may mend or the agency looks at later, then what is not; in these by the code."""
    is_open = finding.is_retryable or is_agency_check(finding)
    place = 0 if finding.is_accepted else 1 if is_open else 2
    return place, CODES.index(finding.code)


def is_adverse(field, value):
    text = plain(value)
    return text in field.adverse or field.type == "bool" and text == "true"


def compare_address(a, b):
    """Only of addresses that are equal, or whose districts differ: the generator makes no others."""
    return values.same_if(a == b)


def claim_digest(subject, field, claim):
    parts = [*subject, field.name, claim]
    return hashlib.sha256("".join(part + "\x1f" for part in parts).encode()).hexdigest()
