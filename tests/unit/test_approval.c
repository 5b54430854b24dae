/* Two people for one digest, and a record that nobody else can make: every byte of it changed, cut
 * or under another key is found. */
#include "daemon/approval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH "test_approval.tmp"
#define NOW INT64_C(1780300800000)

static const uint8_t first[BD_DIGEST_BYTES] = { 1 }, second[BD_DIGEST_BYTES] = { 2 };
static const uint8_t key[BD_APPROVAL_KEY_BYTES] = { 7 }, other_key[BD_APPROVAL_KEY_BYTES] = { 8 };

static void two_people(void **state)
{
	struct bd_approval approval = { .has_approved = false };

	(void)state;
	assert_false(bd_approval_allows(&approval, first));
	assert_int_equal(bd_approval_approve(&approval, first, first, "li", NOW), BD_CHANGE_DIGEST);
	assert_int_equal(
		bd_approval_propose(&approval, first, second, "wang", NOW), BD_CHANGE_DIGEST);
	assert_int_equal(bd_approval_propose(&approval, first, first, "wang", NOW), BD_OK);
	assert_false(bd_approval_allows(&approval, first));
	assert_int_equal(
		bd_approval_approve(&approval, first, first, "wang", NOW), BD_CHANGE_SAME_PERSON);
	/* Who proposes it again does not make its proposer another. */
	assert_int_equal(bd_approval_propose(&approval, first, first, "li", NOW), BD_OK);
	assert_string_equal(approval.proposer, "wang");
	assert_int_equal(
		bd_approval_approve(&approval, first, first, "wang", NOW), BD_CHANGE_SAME_PERSON);
	/* The files have changed since, or the person means others. */
	assert_int_equal(
		bd_approval_approve(&approval, second, first, "li", NOW), BD_CHANGE_DIGEST);
	assert_int_equal(
		bd_approval_approve(&approval, second, second, "li", NOW), BD_CHANGE_DIGEST);
	assert_int_equal(bd_approval_approve(&approval, first, first, "li", NOW), BD_OK);
	assert_true(bd_approval_allows(&approval, first));
	assert_false(bd_approval_allows(&approval, second));
	assert_false(approval.has_proposed);
	assert_int_equal(bd_approval_propose(&approval, first, first, "wang", NOW), BD_CHANGE_NONE);
	assert_int_equal(
		bd_approval_approve(&approval, first, first, "zhao", NOW), BD_CHANGE_DIGEST);
	/* Another one proposed: the approved one counts until then. */
	assert_int_equal(bd_approval_propose(&approval, second, second, "li", NOW), BD_OK);
	assert_true(bd_approval_allows(&approval, first));
}

static void fill(struct bd_approval *approval)
{
	*approval = (struct bd_approval){ .has_approved = false };
	assert_int_equal(bd_approval_propose(approval, first, first, "wang", NOW), BD_OK);
	assert_int_equal(bd_approval_approve(approval, first, first, "li", NOW + 1), BD_OK);
	assert_int_equal(bd_approval_propose(approval, second, second, "li", NOW + 2), BD_OK);
}

static size_t read_file(char *bytes, size_t size)
{
	FILE *file = fopen(PATH, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, size, file);
	fclose(file);
	return len;
}

static void write_file(const char *bytes, size_t len)
{
	FILE *file = fopen(PATH, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static void kept(void **state)
{
	struct bd_approval approval, again = { .has_approved = true };

	(void)state;
	unlink(PATH);
	assert_int_equal(bd_approval_read(&again, PATH, key, NULL), BD_OK);
	assert_false(again.has_approved);
	fill(&approval);
	assert_int_equal(bd_approval_write(&approval, PATH, key, NULL), BD_OK);
	assert_int_equal(bd_approval_read(&again, PATH, key, NULL), BD_OK);
	assert_memory_equal(again.approved, first, sizeof(first));
	assert_memory_equal(again.proposed, second, sizeof(second));
	assert_string_equal(again.approved_proposer, "wang");
	assert_string_equal(again.approver, "li");
	assert_string_equal(again.proposer, "li");
	assert_int_equal(again.approved_ms, NOW + 1);
	assert_int_equal(again.proposed_ms, NOW + 2);
	unlink(PATH);
}

static void forged(void **state)
{
	struct bd_approval approval, again;
	char bytes[4096];
	size_t len;

	(void)state;
	fill(&approval);
	assert_int_equal(bd_approval_write(&approval, PATH, key, NULL), BD_OK);
	assert_int_equal(bd_approval_read(&again, PATH, other_key, NULL), BD_CHANGE_FORGED);
	len = read_file(bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1;
		write_file(bytes, len);
		assert_int_equal(bd_approval_read(&again, PATH, key, NULL), BD_CHANGE_FORGED);
		bytes[i] ^= 1;
	}
	for (size_t cut = 0; cut < len; cut++) {
		write_file(bytes, cut);
		assert_int_equal(bd_approval_read(&again, PATH, key, NULL), BD_CHANGE_FORGED);
	}
	bytes[len] = '\n';
	write_file(bytes, len + 1);
	assert_int_equal(bd_approval_read(&again, PATH, key, NULL), BD_CHANGE_FORGED);
	unlink(PATH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_people),
		cmocka_unit_test(kept),
		cmocka_unit_test(forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
