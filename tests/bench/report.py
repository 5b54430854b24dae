#!/usr/bin/env python3
"""report.py RAW RESULTS PLOT - medians of bench.sh's rounds as a table, ratios against the budgets, a TSV and an SVG.

RAW has a measured line of one round: section, case, who, round, then
  intake   records, bytes, cpu_us
  push     records, requests, seconds, failed, cpu_us, p50_us, p99_us, max_us, bytes, kib more of memory
  load     records, seconds, cpu_us, written bytes, KiB of memory, bytes on the disk, bytes of packed sealed records
  start    subjects, seconds
  compare  requests, seconds, failed, cpu_us, p50_us, p99_us, max_us, bytes,
           at a rate also the p99 of how late the client itself was
A ratio is the median of the rounds' ratios: both sides of one round ran right after each other.
"""
import math
import statistics
import sys
import unicodedata
import xml.sax.saxutils

median = statistics.median
BATCH = 100  # lines of one NDJSON request


def read(path):
    rows = {}
    for line in open(path, encoding="utf-8"):
        section, case, who, number, *values = line.rstrip("\n").split("\t")
        rows.setdefault((section, case), {}).setdefault(who, {})[int(number)] = [
            float(value) for value in values]
    return rows


def over_rounds(rounds, figure):
    return median(figure(values) for values in rounds.values())


def ratio(ours, theirs, figure):
    both = sorted(set(ours) & set(theirs))
    both = [n for n in both if 0 < figure(theirs[n]) < math.inf]
    return median(figure(ours[n]) / figure(theirs[n]) for n in both) if both else None


def intake_cpu(v):
    return v[2] / v[0]


def push_rate(v):
    return v[0] / v[2]


def push_cpu(v):
    return v[4] / v[0]


def rate(v):
    return v[0] / v[1]


def cpu(v):
    return v[3] / v[0] if v[0] else math.inf  # nothing was answered in the time


class Table:
    def __init__(self):
        self.lines = []

    def add(self, path, figure, value, unit, peer="", ratio_=None, budget=None, is_least=False):
        verdict = ""
        if budget is not None and ratio_ is None:
            verdict = "同类缺失 peer missing"
        elif budget is not None:
            good = ratio_ >= budget if is_least else ratio_ <= budget
            within = ratio_ * 3 >= budget if is_least else ratio_ <= budget * 3
            verdict = "达到 met" if good else (
                "未达到 falls short" if within else "差逾三倍 falls short by more than 3 x")
        bound = "" if budget is None else ("≥ " if is_least else "≤ ") + format(budget, "g")
        self.lines.append([path, figure, format(value, ".2f" if value < 100 else ".0f"), unit, peer,
                           "" if ratio_ is None else format(ratio_, ".2f"), bound, verdict])


def add_intake(table, rows):
    formats = [median(v[1] / v[2] for v in rows[("intake", case)]["bidui"].values())
           for case in ("social-nws", "social-packet", "tax-gt3")]
    for (section, case), by in rows.items():
        if section != "intake":
            continue
        ours, theirs = by["bidui"], by.get("xmllint", {})
        name = "汇入 intake " + case
        speed = over_rounds(ours, lambda v: v[1] / v[2])
        table.add(name, "速度 rate", over_rounds(ours, lambda v: v[0] / v[2] * 1e6), "records/CPU s")
        if case.startswith(("medical", "market")):
            table.add(name, "CPU", over_rounds(ours, intake_cpu), "µs/record")
            table.add(name, "速度 rate", speed, "MB/CPU s", "our XML, %.1f MB/s" % median(formats),
                      speed / median(formats), 1, True)
        else:
            peer = "xmllint"
            if theirs:
                peer += ", %.2f µs/record" % over_rounds(theirs, intake_cpu)
            table.add(name, "CPU", over_rounds(ours, intake_cpu), "µs/record", peer,
                      ratio(ours, theirs, intake_cpu), 1)
            if "sax" in by:
                table.add(name, "CPU", over_rounds(ours, intake_cpu), "µs/record",
                          "bare SAX parse, %.2f µs/record" % over_rounds(by["sax"], intake_cpu),
                          ratio(ours, by["sax"], intake_cpu))


def add_push(table, rows):
    for (section, case), by in rows.items():
        if section != "push":
            continue
        ours = by["bidui"]
        many = ours[min(ours)][1] > 1
        name = ("多次小推送 many pushes " if many else "一次大推送 one push ") + case
        speed = over_rounds(ours, push_rate)
        goal = 5000 if many else 100000
        table.add(name, "速度 rate", speed, "/s durable" if many else "records/s", "§12: %d" % goal,
                  speed / goal, 1, True)
        table.add(name, "CPU", over_rounds(ours, push_cpu), "µs/record")
        if not many:
            table.add(name, "内存增长 memory", max(v[9] for v in ours.values()) / 1024, "MiB", "§12: 64 MiB",
                      max(v[9] for v in ours.values()) / 65536, 1)
        if many:
            table.add(name, "p99", over_rounds(ours, lambda v: v[6]) / 1000, "ms")


def add_load(table, rows):
    by = rows[("load", "initial")]
    ours, theirs = by["bidui"], by["lmdb"]
    name = "初始装载 initial load"
    speed = over_rounds(ours, rate)
    table.add(name, "速度 rate", speed, "records/s", "§12: 200000", speed / 200000, 1, True)
    table.add(name, "CPU", over_rounds(ours, lambda v: v[2] / v[0]), "µs/record",
              "bare LMDB, appended, %.2f µs/row, %.0f/s" % (over_rounds(theirs, lambda v: v[2] / v[0]), over_rounds(theirs, rate)),
              ratio(ours, theirs, lambda v: v[2] / v[0]))
    disk = over_rounds(ours, lambda v: v[5] / v[6])
    table.add(name, "占盘 on disk", over_rounds(ours, lambda v: v[5] / v[0]), "bytes/subject", "§12: 1.5 of its packed records", disk, 1.5)


def add_compare(table, rows):
    by = {case: who for (section, case), who in rows.items() if section == "compare"}
    for case, name in (("plaintext", "比对 compare, plaintext"), ("tls", "比对 compare, mTLS")):
        ours = by[case]["bidui"]
        table.add(name, "速度 rate", over_rounds(ours, rate), "req/s")
        for who, budget in (("nginx", 1.3), ("redis", 1.0), ("postgres", None)):
            if who != "nginx" and case == "tls":
                continue
            theirs = by[case].get(who, {})
            peer = who
            if theirs:
                peer += ", %.1f µs, %.0f req/s" % (over_rounds(theirs, cpu), over_rounds(theirs, rate))
            table.add(name, "CPU", over_rounds(ours, cpu), "µs/req", peer, ratio(ours, theirs, cpu), budget)
    everybody = by["everybody"]["bidui"]
    table.add("比对 compare, everybody", "CPU", over_rounds(everybody, cpu), "µs/req",
              "one person asked again", ratio(everybody, by["plaintext"]["bidui"], cpu))
    batch = {n: [v[0] * BATCH] + v[1:] for n, v in by["batch"]["bidui"].items()}
    table.add("批量 batch of %d" % BATCH, "CPU", over_rounds(batch, cpu), "µs/line")
    table.add("批量 batch of %d" % BATCH, "速度 rate", over_rounds(batch, rate), "lines/s",
              "the same 100, single", ratio(batch, by["hundred"]["bidui"], rate), 3, True)
    for case, name in (("relations", "沿任职关系 over relations"), ("heaviest", "最重事项 heaviest matter")):
        single = by[case]["bidui"]
        lines = {n: [v[0] * BATCH] + v[1:] for n, v in by[case + "-batch"]["bidui"].items()}
        table.add(name, "CPU", over_rounds(single, cpu), "µs/req", "ten elements",
                  ratio(single, by["plaintext"]["bidui"], cpu))
        table.add(name + ", batch", "CPU", over_rounds(lines, cpu), "µs/line", "single",
                  ratio(lines, single, cpu))
    for case in ("half-plaintext", "half-tls"):
        add_times(table, "半载 " + case, by[case], 1000)
    for case, name in (("nobody", "nobody pushes"), ("big", "big pushes"), ("small", "small pushes")):
        add_times(table, "推送时比对 compare, " + name, by["beside-" + case], 5000)


def add_times(table, name, by, goal):
    """At a stated rate; the client's own lateness and nginx's times tell what of it is the machine's."""
    ours, theirs = by["bidui"], by.get("nginx", {})
    table.add(name, "p50", over_rounds(ours, lambda v: v[4]), "µs", "%.0f req/s" % over_rounds(ours, rate))
    p99 = over_rounds(ours, lambda v: v[5])
    peer = "§12: %d µs; client late %.0f µs" % (goal, over_rounds(ours, lambda v: v[8]))
    if theirs:
        peer += "; nginx %.0f µs" % over_rounds(theirs, lambda v: v[5])
    table.add(name, "p99", p99, "µs", peer, p99 / goal, 1)


def add_rest(table, rows):
    by = {case: who["bidui"] for (section, case), who in rows.items() if section == "compare"}
    one, two = by["loops-1"], by["loops-2"]
    table.add("两核扩展 one loop to two", "CPU", over_rounds(two, cpu), "µs/req",
              "one loop, %.1f µs" % over_rounds(one, cpu), 2 * ratio(one, two, cpu), 1.8, True)
    starts = rows[("start", "all")]["bidui"]
    subjects = median(v[0] for v in starts.values())
    table.add("启动 start", "到就绪 until ready", over_rounds(starts, lambda v: v[1]) * 1000, "ms",
              "§12: 1000 ms with 10 M; here %.0f subjects" % subjects,
              over_rounds(starts, lambda v: v[1]), 1)


# -- the plot: how far every figure is from its budget, on one scale of logarithms --

BAR, LEFT, WIDE = 18, 400, 560
SCALE = 16.0  # times the budget, at either end


def place(times):
    times = min(max(times, 1 / SCALE), SCALE)
    return LEFT + WIDE * (math.log(times, SCALE) + 1) / 2


def plot(path, lines):
    """times: how much dearer than the budget (right of the line) or cheaper (left)."""
    bars = [(line[0] + " · " + line[1] + ("" if line[4].startswith("§") else " / " + line[4].split(",")[0]), float(line[5]) / float(line[6].split()[1]), line[6].startswith("≥"))
            for line in lines if line[5] and line[6]]
    high = BAR * len(bars) + 70
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (LEFT + WIDE + 90, high),
           '<rect width="100%" height="100%" fill="#fff"/>',
           '<text x="10" y="20" font-size="14">与目标之比（左为达到） Times the budget; left of the line it is met</text>']
    for mark in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8):
        out.append('<line x1="%.1f" x2="%.1f" y1="30" y2="%d" stroke="%s"/><text x="%.1f" y="%d" '
                   'text-anchor="middle" fill="#555">%g×</text>' % (
                       place(mark), place(mark), high - 30, "#333" if mark == 1 else "#ddd", place(mark),
                       high - 15, mark))
    for i, (name, times, is_least) in enumerate(bars):
        times = 1 / times if is_least else times
        begin, end = sorted((place(1), place(times)))
        y = 36 + BAR * i
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%.1f" y="%d" width="%.1f" height="%d" '
                   'fill="%s"/><text x="%d" y="%d" fill="#333">%.2f×</text>' % (
                       LEFT - 8, y + 12, xml.sax.saxutils.escape(name), begin, y, max(end - begin, 1), BAR - 4,
                       "#2a7f62" if times <= 1 else "#c0562f", LEFT + WIDE + 10, y + 12, times))
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def print_lines(lines):
    widths = [max(width(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell + " " * (w - width(cell)) for cell, w in zip(line, widths)).rstrip())


def main():
    rows = read(sys.argv[1])
    table = Table()
    add_intake(table, rows)
    add_load(table, rows)
    add_push(table, rows)
    add_compare(table, rows)
    add_rest(table, rows)
    head = ["路径 path", "量 figure", "中位 median", "单位 unit", "对照 peer", "比 ratio", "目标 budget", "结论 verdict"]
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("path\tfigure\tmedian\tunit\tpeer\tratio\tbudget\tverdict\n")
        out.writelines("\t".join(line) + "\n" for line in table.lines)
    print_lines([head] + table.lines)
    plot(sys.argv[3], table.lines)
    print("结果文件 written to %s %s" % (sys.argv[2], sys.argv[3]))


if __name__ == "__main__":
    main()
