#!/usr/bin/env python3
"""Writes charset_table.inc: GB18030-2022 as the WHATWG Encoding Standard has it.

Python's codec has the 2000 edition; what the editions since have moved is stated below and applied to it.
Run by hand when that changes: python3 charset_table.py > charset_table.inc
"""

MOVED_TWO = {
    0xA6D9: 0xFE10, 0xA6DA: 0xFE12, 0xA6DB: 0xFE11, 0xA6DC: 0xFE13, 0xA6DD: 0xFE14, 0xA6DE: 0xFE15,
    0xA6DF: 0xFE16, 0xA6EC: 0xFE17, 0xA6ED: 0xFE18, 0xA6F3: 0xFE19,
    0xFE59: 0x9FB4, 0xFE61: 0x9FB5, 0xFE66: 0x9FB6, 0xFE67: 0x9FB7, 0xFE6D: 0x9FB8, 0xFE7E: 0x9FB9,
    0xFE90: 0x9FBA, 0xFEA0: 0x9FBB,
    0xA8BC: 0x1E3F,  # 2005
    0xA3A0: 0x3000,  # WHATWG: in wide use as the ideographic space
}
MOVED_FOUR = {7457: 0xE7C7}  # 8135F437, the other half of A8BC
LAST_BMP = 39419


def two(lead, trail):
    moved = MOVED_TWO.get(lead << 8 | trail)
    return moved if moved is not None else ord(bytes((lead, trail)).decode("gb18030"))


def four(pointer):
    if pointer in MOVED_FOUR:
        return MOVED_FOUR[pointer]
    rest, d = divmod(pointer, 10)
    rest, c = divmod(rest, 126)
    a, b = divmod(rest, 10)
    return ord(bytes((a + 0x81, b + 0x30, c + 0x81, d + 0x30)).decode("gb18030"))


points = [two(lead, trail) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF) if trail != 0x7F]
assert len(points) == 23940 and max(points) <= 0xFFFF
ranges = []
for pointer in range(LAST_BMP + 1):
    point = four(pointer)
    if not ranges or point - pointer != ranges[-1][1] - ranges[-1][0]:
        ranges.append((pointer, point))

print("/* Made by charset_table.py; not edited by hand. */")
print("/* clang-format off */")
print("static const uint16_t two_bytes[%d] = {" % len(points))
for i in range(0, len(points), 12):
    print("\t" + " ".join("0x%04X," % p for p in points[i:i + 12]))
print("};\n")
print("/* Four-byte codes of the BMP: from this pointer on, this code point and its followers. */")
print("static const struct { uint16_t pointer, point; } four_bytes[%d] = {" % len(ranges))
for i in range(0, len(ranges), 6):
    print("\t" + " ".join("{ %d, 0x%04X }," % r for r in ranges[i:i + 6]))
print("};")
