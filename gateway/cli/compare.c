#include "cli/answer.h"

static bool has_passed(const struct bd_reply *reply)
{
	const struct bd_reply *decision = bd_reply_find(reply, "decision");
	return decision != NULL && bd_bytes_is(decision->text, "pass");
}

/* A file named *.ndjson or *.jsonl has a case on each line. */
static bool is_batch(const char *path)
{
	struct bd_bytes name = bd_bytes_of(path);
	const char *endings[] = { ".ndjson", ".jsonl" };
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct bd_bytes ending = bd_bytes_of(endings[i]);
		if (name.len > ending.len &&
			bd_bytes_is(
				(struct bd_bytes){ name.ptr + name.len - ending.len, ending.len },
				endings[i])) {
			return true;
		}
	}
	return false;
}

enum bd_cli_exit bd_cli_compare(const struct bd_cli_options *options)
{
	struct bd_cli_request request = {
		.method = "POST",
		.path = "/v1/compare",
		.content_type =
			is_batch(options->args[0]) ? "application/x-ndjson" : "application/json",
	};
	request.body = bd_cli_open(&request.body_bytes, options, options->args[0]);
	if (request.body == NULL) {
		return BD_CLI_USAGE;
	}
	enum bd_cli_exit result = bd_cli_ask(options, &request, has_passed);
	fclose(request.body);
	return result;
}
