/* rules_address.h - two addresses 地址 as an officer would read them: level by level.
 *
 * Layer: record. Called by rules_compare.h. Pure. Source: the levels of GB/T 2260 and GB/T 10114
 * (province, prefecture, county, township) by the words that end their names; no gazetteer, so what
 * is not recognised stays in the remainder and is compared as text. House rules.
 *
 * From the left: province 省, city 市, district 区县, street 街道乡镇, remainder. Repeated names
 * and 市辖区 are passed over; a name without its ending word, or with another one (光明新区,
 * 光明区), is the same name. Development zones and the like are no districts: they overlap with
 * them.
 */
#ifndef BD_RECORD_RULES_ADDRESS_H
#define BD_RECORD_RULES_ADDRESS_H

#include "base/bytes.h"
#include "record/likeness.h"

/* From here on two remainders are written differently, not different. */
#define BD_ADDRESS_NEAR_SCORE 85

/* Normal forms (BD_TYPE_ADDRESS). The score is 100 for equal ones; else 200 times the longest
 * common subsequence of the remainders over their lengths, less 5 for each level that only one
 * names and 20 for streets that differ, at most 99. DIFFERENT: province, city or district are named
 * by both and differ (score 0); or the numbers in the remainders (house, building, floor, room)
 * contradict each other; or the score is below near_score. NEAR: levels are missing on one side and
 * the rest is equal; or the score is near_score or more. UNSURE: they differ only where one has a
 * placeholder; or too little is left to compare; or one is longer than BD_ADDRESS_MAX_CHARS. */
struct bd_comparison bd_rule_compare_address(
	struct bd_bytes a, struct bd_bytes b, unsigned near_score);

#endif
