#include "cli/answer.h"

static bool is_always_good(const struct bd_reply *reply)
{
	(void)reply;
	return true;
}

enum bd_cli_exit bd_cli_status(const struct bd_cli_options *options)
{
	struct bd_cli_request request = { .method = "GET", .path = "/v1/status" };
	return bd_cli_ask(options, &request, is_always_good);
}
