"""What the stand-in departments know: bidui_gen's invented data and the adapters' samples, by every number that they
may be asked by. Rows that are paged have times of their own, one a second, so that a watermark means something."""
import datetime
import hashlib
import json
import pathlib
import re

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
BEGUN = datetime.datetime(2026, 6, 1, 9, 30, 0, tzinfo=SHANGHAI)
SEPARATOR = "\x01"


def spread(number):
    """The time of the number-th row."""
    return BEGUN + datetime.timedelta(seconds=number)


def tags(text, name):
    """What stands in each <name> of a message that we wrote ourselves."""
    return re.findall(f"<{name}>([^<]*)</{name}>", text)


def inside(text, name):
    """The first <name> with all that is in it, or None."""
    found = re.search(f"<{name}>.*?</{name}>|<{name}/>", text, re.S)
    return found.group(0) if found else None


class Records:
    def __init__(self):
        self.medical = {}  # document number -> output of 1101
        self.social = {}  # (trade, number) -> responsedata
        self.tax = {}  # nsrsbh, shxydm or djxh -> what stands in taxML
        self.changes = []  # (time, DATA) in the order of their times
        self.tables = {}  # table -> [(time, columns)]
        self.hidden = 0  # the newest changes and rows that nobody is told of yet

    # -- read --

    def read_generated(self, folder):
        folder = pathlib.Path(folder)
        for line in (folder / "medical.ndjson").read_text(encoding="utf-8").splitlines():
            self.add_medical(line)
        for line in (folder / "social_nws.ndxml").read_text(encoding="utf-8").splitlines():
            self.add_social(line)
        for line in (folder / "tax.ndxml").read_text(encoding="utf-8").splitlines():
            self.add_tax(line)
        packet = (folder / "social_packet.xml").read_text(encoding="utf-8")
        for number, data in enumerate(re.findall("<DATA>.*?</DATA>", packet, re.S)):
            self.changes.append((spread(number), data))
        for path in sorted(folder.glob("market_*.utf8.txt")):
            self.add_table(path.name.removeprefix("market_").removesuffix(".utf8.txt"), path.read_text(encoding="utf-8"))

    def read_samples(self, adapters):
        adapters = pathlib.Path(adapters)
        for path in sorted((adapters / "medical/samples").glob("medical_1101_*.json")):
            self.add_medical(path.read_text(encoding="utf-8"))
        for path in sorted((adapters / "social/samples").glob("social_nws_*.xml")):
            self.add_social(path.read_text(encoding="utf-8"))
        for path in sorted((adapters / "tax/samples").glob("tax_gt3_*.xml")):
            self.add_tax(path.read_text(encoding="utf-8"))

    def add_medical(self, text):
        output = json.loads(text).get("output")
        if output:
            self.medical[output["baseinfo"]["certno"]] = output

    def add_social(self, text):
        data = inside(text, "responsedata")
        if "<rc>0</rc>" not in text or data is None:
            return
        if "<unitform>" in data:
            trade, names = "unit", ("bab010",)
        elif "<feeinfogrid" in data and "<aae140ows" not in data:
            trade, names = "fee", ("aac147", "aac002", "aac001")
        else:
            trade, names = "person", ("aac147", "aac002", "aac001")
        for name in names:
            for number in tags(data, name)[:1]:
                self.social[trade, number] = data

    def add_tax(self, text):
        found = re.search(r"<taxML[^>]*>(.*)</taxML>", text, re.S)
        if "<rtn_code>0</rtn_code>" not in text or found is None:
            return
        for name in ("nsrsbh", "shxydm", "djxh"):
            for number in tags(found.group(1), name):
                self.tax[number] = found.group(1)

    def add_table(self, table, text):
        rows = [line.split(SEPARATOR) for line in text.splitlines()]
        for number, row in enumerate(rows):
            row[-1] = spread(number).strftime("%Y-%m-%d %H:%M:%S")
        self.tables[table] = [(spread(number), row) for number, row in enumerate(rows)]

    # -- asked --

    def shown(self, rows, since):
        """Those after `since` (None: all), without the newest that are hidden."""
        told = rows[: len(rows) - self.hidden] if self.hidden else rows
        return [row for row in told if since is None or row[0] > since]

    def taxpayer(self, number, djxh=None):
        """All registrations of a taxpayer, or the one that has this djxh. None: nobody is known by that."""
        body = self.tax.get(djxh or number)
        if body is None or not djxh:
            return body
        for row in re.findall("<nsrxxGridlb>.*?</nsrxxGridlb>", body, re.S):
            if djxh not in tags(row, "djxh"):
                body = body.replace(row, "")
        return body

    def table_text(self, table, rows):
        return "".join(SEPARATOR.join(row) + "\n" for _, row in rows)

    # -- changed by the tests --

    def replace(self, number, old, new):
        """In all that is said of one number. How many sayings changed."""
        changed = 0
        for store in (self.social, self.tax):
            for key, text in store.items():
                if (key[1] if isinstance(key, tuple) else key) == number and old in text:
                    store[key] = text.replace(old, new)
                    changed += 1
        if number in self.medical:
            text = json.dumps(self.medical[number], ensure_ascii=False)
            if old in text:
                self.medical[number] = json.loads(text.replace(old, new))
                changed += 1
        return changed


def etag(body):
    return '"' + hashlib.sha256(body).hexdigest()[:32] + '"'
