#!/usr/bin/env python3
"""loading.py run FOLDER COMMAND... - runs it and says, on one line: seconds, microseconds of processor, bytes given to the
disk of the folder, KiB of its own memory at the largest, looked at ten times a second; its workers are in the first two.
Pages of the store's file that it has mapped are the system's to take back, and are not counted.

loading.py written FOLDER - bytes that its disk was given, by anybody, since the system began. What the kernel counts of a
process will not do: of one page that is written into the middle of a large one of the page cache it counts the large one.

loading.py report RAW RESULTS PLOT - the runs of loading.sh as a table, a TSV and an SVG: how the cost grows.

RAW has a line a run: who (load, lines, bare LMDB, push, push into so many), people, seconds, cpu_us, bytes given to the disk, KiB, bytes
of the data folder, bytes of the packed sealed records, bytes of links and aliases, ms until biduid is ready (-1 = not
tried), load average before.
"""
import math
import os
import sys
import time
import xml.sax.saxutils

import report

BUDGET_RATE, BUDGET_RATIO, BUDGET_READY = 200000, 1.5, 1000


def own_kib(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as status:
        return max([0] + [int(line.split()[1]) for line in status if line.startswith("RssAnon:")])


def written(folder):
    device = os.stat(folder).st_dev
    try:
        with open("/sys/dev/block/%d:%d/stat" % (os.major(device), os.minor(device)), encoding="ascii") as stat:
            return int(stat.read().split()[6]) * 512
    except FileNotFoundError:
        return 0  # no disk of its own: then it is not known


def run(folder, command):
    begun, before = time.monotonic(), written(folder)
    child = os.fork()
    if child == 0:
        os.execvp(command[0], command)
    memory, ended = 0, 0
    while ended == 0:
        memory = max(memory, own_kib(child))  # of one that has ended there is none, until it is waited for
        time.sleep(0.1)
        ended, status, used = os.wait4(child, os.WNOHANG)
    print("%.3f\t%d\t%d\t%d" % (time.monotonic() - begun, (used.ru_utime + used.ru_stime) * 1e6,
                               written(folder) - before, memory))
    return os.waitstatus_to_exitcode(status)


def read(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        who, *values = line.rstrip("\n").split("\t")
        rows.append([who] + [float(value) for value in values])
    return rows


def lines_of(rows):
    lines = [["方式 by", "人数 people", "records/s", "CPU µs/record", "written bytes/record", "own memory MiB",
              "on disk bytes/subject", "packed, sealed", "ratio (≤ %.1f)" % BUDGET_RATIO, "ready ms (≤ %d)" % BUDGET_READY,
              "load average before"]]
    for who, people, seconds, cpu, written, memory, disk, packed, _, ready, busy in rows:
        lines.append([who, "%d" % people, "%.0f" % (people / seconds), "%.1f" % (cpu / people),
                      "%.0f" % (written / people), "%.0f" % (memory / 1024), "%.0f" % (disk / people),
                      "%.0f" % (packed / people), "%.2f" % (disk / packed),
                      "" if ready < 0 else "%.0f" % ready, "%.1f" % busy])
    return lines


# -- the plot: what a record costs, as a multiple of what it costs in the smallest load; flat = it does not grow --

LEFT, TOP, WIDE, HIGH, RIGHT = 60, 40, 560, 300, 330
COSTS = (("处理器 CPU, µs/record", "#2a7f62", lambda r: r[3] / r[1], "%.1f"),
         ("写盘 written, bytes/record", "#c0562f", lambda r: r[4] / r[1], "%.0f"),
         ("占盘 on disk, bytes/subject", "#35608f", lambda r: r[6] / r[1], "%.0f"),
         ("用时 time, µs/record", "#8a8a8a", lambda r: r[2] * 1e6 / r[1], "%.0f"))


def plot(path, rows):
    rows = sorted(row for row in rows if row[0] == "load")
    least, most = rows[0][1], rows[-1][1]
    tall = max([2.0] + [cost(row) / cost(rows[0]) for row in rows for _, _, cost, _ in COSTS])

    def across(people):
        return LEFT + WIDE * (math.log(people / least) / math.log(most / least) if most > least else 0)

    def up(times):
        return TOP + HIGH * (1 - times / tall)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (LEFT + WIDE + RIGHT, TOP + HIGH + 50),
           '<rect width="100%" height="100%" fill="#fff"/>',
           '<text x="10" y="20" font-size="14">初始装载：每条记录的代价随规模的增长（水平为不增长） '
           'Initial load: how the cost of a record grows; level is not at all</text>']
    for times in range(math.floor(tall) + 1):
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" '
                   'fill="#555">%d×</text>' % (LEFT, LEFT + WIDE, up(times), up(times), LEFT - 8, up(times) + 4, times))
    for row in rows:
        out.append('<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>' % (
            across(row[1]), TOP + HIGH + 20, format(int(row[1]), ",")))
    ends = sorted((COSTS[i][2](rows[-1]) / COSTS[i][2](rows[0]), i) for i in range(len(COSTS)))
    below = TOP + HIGH + 100
    for times, i in ends:
        name, colour, cost, form = COSTS[i]
        points = " ".join("%.1f,%.1f" % (across(row[1]), up(cost(row) / cost(rows[0]))) for row in rows)
        below = min(up(times) + 4, below - 14)
        text = "%s: %s → %s" % (name, form % cost(rows[0]), form % cost(rows[-1]))
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%.1f" fill="%s">%s</text>'
                   % (points, colour, LEFT + WIDE + 10, below, colour, xml.sax.saxutils.escape(text)))
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def show(raw, results, picture):
    rows = read(raw)
    lines = lines_of(rows)
    with open(results, "w", encoding="utf-8") as out:
        out.writelines("\t".join(line) + "\n" for line in lines)
    report.print_lines(lines)
    best = max(row[1] / row[2] for row in rows if row[0] == "load")
    print("目标 budget: %d records/s; 最快 fastest %.0f" % (BUDGET_RATE, best))
    plot(picture, rows)
    print("结果文件 written to %s %s" % (results, picture))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(run(sys.argv[2], sys.argv[3:]))
    elif sys.argv[1] == "written":
        print(written(sys.argv[2]))
    else:
        show(*sys.argv[2:])
