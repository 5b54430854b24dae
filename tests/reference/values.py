"""Values: their normal forms, how two of them compare, and conditions on one.

From gateway/record/rules_{text,compare,predicate,set,identifier,value}.h and schemas/rules.tsv. A comparison is one
of SAME, NEAR, UNSURE, DIFFERENT.
"""
import calendar
import datetime
import functools
import re
import unicodedata

import language
from language import civil, day_of, digits

SAME, NEAR, UNSURE, DIFFERENT = range(1, 5)
OPEN = "9999-12-31"
# Marks that stand for a character which could not be written.
PLACEHOLDERS = set("?？*＊□▀\ufffd")
SEPARATORS = set("·•・‧∙⋅･．。.")
BRACKETS = set("()[]{}<>（）［］【】〔〕《》〈〉「」『』")
MONTHS_MAX = 720
SET_ITEMS_MAX = 256
SCOPE_SEPARATORS = ";；。\n"
SET_SEPARATORS = ";；,，、|\n"


def same_if(is_same):
    return SAME if is_same else DIFFERENT


# -- numbers of people and organizations --

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
RESIDENT_WEIGHTS = [2 ** (17 - place) % 11 for place in range(17)]


def resident_check(first17):
    return "10X98765432"[sum(int(c) * w for c, w in zip(first17, RESIDENT_WEIGHTS)) % 11]


def uscc_check(first17):
    total = sum(USCC_ALPHABET.index(c) * (3 ** place % 31) for place, c in enumerate(first17))
    return USCC_ALPHABET[-total % 31]


def org_code_check(first8):
    total = sum(int(c, 36) * w for c, w in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2)))
    return "0123456789X"[-total % 11]


def reg_no_check(first14):
    """ISO 7064 MOD 11,10."""
    product = 10
    for char in first14:
        product = ((product + int(char)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


@functools.lru_cache(maxsize=100000)
def fold(text):
    """id.fold: half width, capitals, one dash, no blanks."""
    text = unicodedata.normalize("NFKC", text).upper()
    return "".join("-" if c in "‐‑‒–—―−" else c for c in text if not c.isspace())


@functools.lru_cache(maxsize=100000)
def resident18(text):
    """The 18 characters of a resident number, from 18 or 15; None when it is none."""
    if len(text) == 15 and digits(text):
        text = text[:6] + "19" + text[6:]
        text += resident_check(text)
    if len(text) != 18 or not digits(text[:17]) or text[17] != resident_check(text[:17]):
        return None
    born = f"{text[6:10]}-{text[10:12]}-{text[12:14]}"
    return text if day_of(born) is not None else None


def is_org_code(text):
    return (len(text) == 9 and text[:8].isalnum() and text[:8].isascii()
            and text[8] == org_code_check(text[:8]))


@functools.lru_cache(maxsize=100000)
def is_uscc(text):
    return (len(text) == 18 and all(c in USCC_ALPHABET for c in text)
            and text[17] == uscc_check(text[:17]) and is_org_code(text[8:17]))


def is_reg_no(text):
    return len(text) == 15 and digits(text) and text[14] == reg_no_check(text[:14])


def number_forms(text):
    forms = {}
    if resident18(text):
        forms["resident"] = resident18(text)
    if is_uscc(text):
        forms["uscc"] = text
    if is_reg_no(text):
        forms["reg_no"] = text
    if is_org_code(text.replace("-", "")):
        forms["org_code"] = text.replace("-", "")
    return forms


def compare_number(a, b):
    a, b = fold(a), fold(b)
    if a == b:
        return SAME
    of_a, of_b = number_forms(a), number_forms(b)
    if of_a.get("resident") and of_a.get("resident") == of_b.get("resident"):
        return SAME
    for one, other in ((of_a, of_b), (of_b, of_a)):
        if "uscc" in one and one["uscc"][8:17] == other.get("org_code"):
            return SAME
    for forms in (of_a, of_b):
        if "uscc" in forms:
            forms["org_code"] = forms["uscc"][8:17]
    # Both are right in form and check, and in no form alike.
    return UNSURE if of_a and of_b and not set(of_a) & set(of_b) else DIFFERENT


def compare_identifier(claim, held):
    """Each a (kind, number); `held` all that are held of one subject."""
    if claim in held:
        return SAME
    kind, number = claim

    def meanings(one, text):
        found = {(one, text)}
        if one == "uscc":
            found.add(("org_code", text[8:17]))
        if one == "taxpayer_no" and not resident18(text):
            found |= {("uscc", text)} if is_uscc(text) else set()
            found |= {("reg_no", text)} if is_reg_no(text) else set()
        return found
    if any(meanings(kind, number) & meanings(*one) for one in held):
        return SAME
    return DIFFERENT if any(one[0] == kind for one in held) else UNSURE


# -- texts --

def differs_by_placeholders(a, b):
    """Of one length and different only where one has a placeholder; ?? may be one character beyond U+FFFF."""
    def from_here(i, j):
        while i < len(a) and j < len(b):
            if a[i] != b[j]:
                for one, other, at, to in ((a, b, i, j), (b, a, j, i)):
                    if ord(other[to]) > 0xffff and one[at:at + 2] == "??":
                        ends = (i + 2, j + 1) if one is a else (i + 1, j + 2)
                        if from_here(*ends):
                            return True
                if not (is_placeholder(a[i]) or is_placeholder(b[j])):
                    return False
            i, j = i + 1, j + 1
        return i == len(a) and j == len(b)
    return from_here(0, 0)


def is_placeholder(char):
    return char in PLACEHOLDERS or 0xe000 <= ord(char) <= 0xf8ff


def has_placeholder(text):
    return any(map(is_placeholder, text))


def compare_name(a, b):
    if a == b:
        return SAME
    if a.replace("·", "") == b or b.replace("·", "") == a:
        return NEAR
    return UNSURE if differs_by_placeholders(a, b) else DIFFERENT


def without_brackets(text):
    return "".join(char for char in text if char not in BRACKETS)


def compare_org_name(a, b):
    if a == b:
        return SAME
    if without_brackets(a) == without_brackets(b):
        return NEAR
    return UNSURE if differs_by_placeholders(a, b) else DIFFERENT


def compare_date(a, b):
    if a == b:
        return SAME
    is_part = any(len(one) in (4, 7) and other.startswith(one + "-") for one, other in ((a, b), (b, a)))
    return NEAR if is_part else DIFFERENT


def whole_number(text):
    if not re.fullmatch(r"-?[0-9]+", text or "") or not -2 ** 63 < int(text) < 2 ** 63:
        return None
    return int(text)


def compare_amount(a, b, tolerance):
    a, b = whole_number(a), whole_number(b)
    if a is None or b is None:
        return UNSURE
    if a == b:
        return SAME
    return NEAR if abs(a - b) <= tolerance else DIFFERENT


def compare_code(a, b):
    if a == b:
        return SAME
    return UNSURE if {a, b} & {"unknown", "not_stated", "unspecified"} else DIFFERENT


# -- lists --

def fold_item(text):
    folded = unicodedata.normalize("NFKC", text).upper()
    folded = folded.replace("【", "(").replace("】", ")").replace("[", "(").replace("]", ")")
    return "".join(c for c in folded if not c.isspace())


def items_of(text, separators):
    """What stands between separators that are not inside brackets."""
    items, depth, item = [], 0, ""
    for char in text:
        depth += (char in "(（[【") - (char in ")）]】")
        if char in separators and depth <= 0:
            items.append(item)
            item = ""
        else:
            item += char
    return [one for one in map(fold_item, items + [item]) if one]


def compare_set(a, b):
    a, b = items_of(a, SET_SEPARATORS), items_of(b, SET_SEPARATORS)
    if not a or not b or len(a) > SET_ITEMS_MAX or len(b) > SET_ITEMS_MAX:
        return UNSURE
    worst = SAME
    for one, others in [(x, b) for x in a] + [(x, a) for x in b]:
        if one not in others:
            is_unsure = has_placeholder(one) or any(differs_by_placeholders(one, x) for x in others)
            worst = max(worst, UNSURE if is_unsure else DIFFERENT)
    return worst


STATEMENT = re.compile(r"\((除)?依法须经批准的项目[^()]*\)$")


def without_remark(item):
    """The item without the bracket that ends it."""
    depth = 0
    for at in range(len(item) - 1, -1, -1):
        depth += (item[at] == ")") - (item[at] == "(")
        if depth == 0:
            return item[:at] if item[at] == "(" else item
    return item


def compare_listed(text, separators, allowed):
    allowed = [fold_item(one) for one in allowed]
    items = [STATEMENT.sub("", item.removeprefix("一般项目:")) for item in items_of(text, separators)]
    items = [item for item in items if item]
    if not items or len(items) > SET_ITEMS_MAX:
        return UNSURE

    def of(item):
        if item in allowed:
            return SAME
        if without_remark(item) in allowed:
            return NEAR
        is_unsure = has_placeholder(item) or any(differs_by_placeholders(item, one) for one in allowed)
        return UNSURE if is_unsure else DIFFERENT
    return max(map(of, items))


# -- conditions --

def date_span(text):
    """First and last day that a date can be; None when it is none, or without end."""
    if text == OPEN or not text:
        return None
    if re.fullmatch(r"[0-9]{4}", text):
        span = day_of(text + "-01-01"), day_of(text + "-12-31")
    elif re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        year, month = int(text[:4]), int(text[5:])
        if not 1 <= month <= 12:
            return None
        span = day_of(text + "-01"), day_of(f"{text}-{calendar.monthrange(year, month)[1]:02}")
    else:
        span = day_of(text), day_of(text)
    if span[0] is None or not 1850 <= civil(span[0]).year <= 2998:
        return None
    return span


def spanned(span, holds):
    """SAME where every day that it can be meets the condition, DIFFERENT where none does."""
    met = {holds(day) for day in range(span[0], span[1] + 1)}
    return UNSURE if len(met) == 2 else same_if(True in met)


def birthday(born, year):
    """The day of the same date in a year; of a leap day the last of February."""
    if (born.month, born.day) == (2, 29) and not calendar.isleap(year):
        return datetime.date(year, 2, 28)
    return born.replace(year=year)


def full_years(since, on, is_day_after):
    born, day = civil(since), civil(on)
    reached = birthday(born, day.year)
    is_reached = reached < day if is_day_after else reached <= day
    return day.year - born.year - (not is_reached)


def age(text, on, years, is_day_after=False):
    span = date_span(text)
    if span is None or span[0] > on:
        return UNSURE
    return spanned((span[0], min(span[1], on)), lambda day: years.holds(full_years(day, on, is_day_after)))


def days_since(text, on, days):
    span = date_span(text)
    return UNSURE if span is None else spanned(span, lambda day: days.holds(on - day))


def number_in(text, numbers):
    number = whole_number(text)
    return UNSURE if number is None else same_if(numbers.holds(number))


def month_number(text):
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text or ""):
        return None
    return int(text[:4]) * 12 + int(text[5:]) - 1


def months_paid(months, until, counts_back_paid, is_continuous):
    """(sure, possible) of [(month, kind)]; kinds normal, back_payment, refund, unknown."""
    kinds = {}
    for month, kind in months:
        if until - MONTHS_MAX < month <= until:
            kinds.setdefault(month, set()).add(kind)
    pays = {"normal", "back_payment"} if counts_back_paid else {"normal"}
    possible = {month for month, of in kinds.items() if of & (pays | {"unknown"})}
    sure = {month for month, of in kinds.items() if of & pays and not of & {"refund", "unknown"}}

    def count(paid):
        if not is_continuous:
            return len(paid)
        run = 0
        while until - run in paid:
            run += 1
        return run
    return count(sure), count(possible)


def enough(sure, possible, needed):
    if sure >= needed:
        return SAME
    return UNSURE if possible >= needed else DIFFERENT


# -- normal forms of what is claimed --

class NoValue(Exception):
    """A claim that is no value of its field."""


def fold_text(text):
    """Half width where a wide form exists, capitals, no blanks."""
    folded = "".join(
        unicodedata.normalize("NFKC", c) if 0xff01 <= ord(c) <= 0xff5e or c == "\u3000" else c
        for c in text)
    return "".join(c for c in folded.upper() if not c.isspace() and c not in "\u200b\ufeff")


def is_han(char):
    return "\u3400" <= char <= "\u9fff" or ord(char) >= 0x20000


def normal_name(text):
    folded = fold_text(text)
    out = [
        "·" if c in SEPARATORS and 0 < i < len(folded) - 1 and is_han(folded[i - 1])
        and is_han(folded[i + 1]) else c
        for i, c in enumerate(folded)]
    return "".join(out)


def normal_claim(field, text):
    """The normal form of a claimed text as a value of the field; nothing is no value."""
    normal = normal_value(field, text)
    if not normal:
        raise NoValue
    return normal


def normal_value(field, text):
    if field.type in ("name", "org_name", "address"):
        out = normal_name(text) if field.type == "name" else fold_text(text)
        return out.replace("【", "[").replace("】", "]")
    if field.type == "code":
        if text not in field.codes:
            raise NoValue
        return text
    if field.type == "identifier":
        return fold(text)
    if field.type in ("date", "month"):
        return normal_date(text.strip(), field.type == "month")
    if field.type == "amount":
        return normal_amount(text.strip())
    if field.type == "count":
        number = whole_number(text.strip())
        if number is None or number < 0:
            raise NoValue
        return str(number)
    if field.type == "bool":
        if text not in ("true", "false"):
            raise NoValue
        return text
    return text.strip()


def normal_amount(text):
    """Of yuan, with at most two decimals, the fen."""
    match = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]{1,2}))?", text)
    if match is None:
        raise NoValue
    sign, yuan, decimals = match.groups()
    return str(int(sign + yuan + (decimals or "").ljust(2, "0")))


def normal_date(text, is_month):
    match = re.fullmatch(r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2}))?)?", text)
    if match is None:
        raise NoValue
    out = "-".join(part for part in match.groups() if part)
    if is_month:
        out = out[:7]
    if out != OPEN and date_span(out) is None or is_month and len(out) != 7:
        raise NoValue
    return out
