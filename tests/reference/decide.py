"""Findings to the decision of a case, with what is still owed.

From the table of gateway/answer/decide.h, design.md §8 and gateway/answer/obligation.h.
"""
from evaluate import findings_of, is_agency_check, rank
from language import day_text

# Best first.
DECISIONS = ("pass", "conditional", "retry", "refer", "refuse", "resubmit")


class Outcome:
    def __init__(self, decision, branch):
        self.decision, self.branch = decision, branch
        self.retry_on = None
        self.is_excluded = self.has_missing = self.offers = False


def is_ground(finding):
    """Confirmed, unflagged, and the matter refuses for it; never a difference from a claim, nor any one's word."""
    element = finding.element
    fields = [element.field] + [one.field for one in element.filters]
    return (element.refuses and finding.code == "mismatch" and not finding.flags and not element.is_claimed
            and finding.mends_on is None and (finding.heard is None or finding.heard >= element.sources_needed)
            and not any(field is not None and field.merge == "any_adverse" for field in fields))


def counting(case, findings):
    """Those on which the quantifiers of their roles let the decision rest."""
    counted = []
    groups = {}
    for finding in findings:
        groups.setdefault((finding.element.id, finding.subject.role.name), []).append(finding)
    for (_, name), group in groups.items():
        role = case.matter.roles[name]
        if role.quantifier == "every":
            counted += group
            continue
        needed = 1 if role.quantifier == "any" else role.at_least
        good = [one for one in group if one.is_accepted]
        counted += good if len(good) >= needed else sorted(group, key=rank)[:needed]
    return counted


def place(outcome):
    """The least is best; of those that refer, one that only lacks materials, best those that a commitment mends."""
    refers = outcome.decision == "refer"
    return DECISIONS.index(outcome.decision), refers and -(outcome.offers + outcome.has_missing)


class Decider:
    def __init__(self, case, findings):
        self.case, self.matter = case, case.matter
        self.findings = counting(case, findings)

    def outcome(self):
        branches = self.matter.branches or [None]
        outcomes = [self.of_branch(branch) for branch in branches]
        return min(outcomes, key=place)

    def asked_in(self, thing, branch):
        return not thing.branches or branch in thing.branches

    def state(self, material):
        for one in self.case.question.get("materials", []):
            if one["id"] == material.id:
                return one["state"]
        return "missing"

    def open_materials(self, branch):
        return [
            one for one in self.matter.materials
            if self.asked_in(one, branch) and self.state(one) in ("missing", "to_follow")]

    def may_follow(self, material):
        return material.due > 0 and self.matter.mode is not None

    @property
    def has_commitment(self):
        given = self.case.question.get("commitment")
        return given is not None and self.matter.commitment_text in (None, given["text_version"])

    def may_wait(self):
        submitted = self.case.submitted
        return submitted is not None and self.case.now < submitted + self.matter.wait_s * 1000

    def of_branch(self, branch):
        here = [one for one in self.findings if self.asked_in(one.element, branch)]
        failed = [one for one in here if not one.element.is_for_commitment and not one.is_accepted]
        is_invalid = any(one.code == "invalid" for one in here)
        outcome = Outcome("resubmit" if is_invalid else self.by_findings(failed), branch)
        if outcome.decision == "retry":
            days = [one.mends_on for one in failed if one.mends_on is not None]
            outcome.retry_on = max(days) if days else None
        if outcome.decision not in (None, "conditional"):
            return outcome
        is_left_to_agency = outcome.decision == "conditional"
        materials = self.open_materials(branch)
        outcome.has_missing = bool(materials)
        outcome.decision = "conditional" if is_left_to_agency else "pass"
        if not materials:
            return outcome
        promises = [one for one in here if one.element.is_for_commitment and not one.is_accepted]
        outcome.is_excluded = any(not one.is_retryable for one in promises)
        if outcome.is_excluded or any(not self.may_follow(one) for one in materials):
            outcome.decision = "refer"
        elif promises:
            outcome.decision = "retry" if self.may_wait() else "refer"
        else:
            outcome.offers = not self.has_commitment
            outcome.decision = "refer" if outcome.offers else "conditional"
        return outcome

    def by_findings(self, failed):
        """None where nothing failed, `conditional` where only the agency has to look."""
        if any(is_ground(one) for one in failed):
            return "refuse"
        failed_now = [one for one in failed if not is_agency_check(one)]
        if any(one.code in one.element.resubmit for one in failed):
            return "resubmit"
        if any(not one.is_retryable for one in failed_now):
            return "refer"
        if any(one.mends_on is None for one in failed_now):
            return "retry" if self.may_wait() else "refer"
        if failed_now:
            return "retry"
        return "conditional" if failed else None


def obligations(case, findings, outcome, calendar):
    """{material or element: due day or None} of what is still owed."""
    decider = Decider(case, findings)
    owed = {}
    if outcome.decision == "conditional" or outcome.decision == "refer" and outcome.has_missing:
        for one in decider.open_materials(outcome.branch):
            is_due = decider.may_follow(one) and not outcome.is_excluded
            owed[one.id] = day_text(calendar.after(case.on, one.due)) if is_due else None
    if outcome.decision == "conditional":
        for one in decider.findings:
            if decider.asked_in(one.element, outcome.branch) and not one.is_accepted and is_agency_check(one):
                owed[one.element.id] = day_text(calendar.after(case.on, one.element.agency_due))
    return owed


def answer(case, calendar):
    """What the engine's answer has of it."""
    findings = findings_of(case)
    outcome = Decider(case, findings).outcome()
    return {
        "decision": outcome.decision,
        "branch": outcome.branch,
        "retry_on": None if outcome.retry_on is None else day_text(outcome.retry_on),
        "excluded": outcome.is_excluded,
        "obligations": obligations(case, findings, outcome, calendar),
        "findings": {
            f"{one.element.id} {one.subject.pointer}": [one.code, sorted(one.flags)]
            for one in counting(case, findings)},
    }
