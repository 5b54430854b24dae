/* rules_set.h - texts that are lists: two of them, or one against a list of what is allowed.
 *
 * Layer: record. Called by answer and by rules_compare.h. Pure.
 *
 * Items 项 stand between separators that are not inside brackets; blank ones do not count, nor does
 * the order or how often one stands there. Items are alike without regard to width, case, blanks
 * and the form of brackets. No item, or more than BD_SET_ITEMS_MAX of them: UNSURE.
 */
#ifndef BD_RECORD_RULES_SET_H
#define BD_RECORD_RULES_SET_H

#include "base/arena.h"
#include "record/likeness.h"

#define BD_SET_SEPARATORS ";；,，、|\n"
/* Business scope 经营范围: its items themselves hold commas (经营范围规范表述目录). */
#define BD_SCOPE_SEPARATORS ";；。\n"

/* Two sets: SAME when each item of either is in the other, else DIFFERENT; UNSURE where an item
 * without its like has a placeholder. */
struct bd_comparison bd_rule_compare_set(
	struct bd_bytes a, struct bd_bytes b, const char *separators);

/* Is it one of these? SAME, DIFFERENT, or UNSURE (placeholder). */
struct bd_comparison bd_rule_compare_member(
	struct bd_bytes item, const char *const *allowed, size_t allowed_count);

/* A white-list, made ready once: its items in folded form, sorted by their bytes. */
struct bd_allowed {
	const char *const *folded;
	size_t count;
};
/* All in the arena. BD_LIMIT_BYTES: one of them is longer than 512 bytes. */
enum bd_code bd_rule_allow(
	struct bd_allowed *out, const char *const *items, size_t count, struct bd_arena *arena);

/* Is every item in the white-list 白名单? SAME: every one. NEAR: every one, some only without the
 * remark in brackets behind it. DIFFERENT: one is not listed. UNSURE: one with a placeholder
 * decides. No part of an item are the label 一般项目: before it (that of 许可项目: is: what needs a
 * permit is on no such list) and the register's closing sentence （[除]依法须经批准的项目…）. */
struct bd_comparison bd_rule_compare_listed(
	struct bd_bytes items, const char *separators, const struct bd_allowed *allowed);

#endif
