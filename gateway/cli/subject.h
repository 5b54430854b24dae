/* subject.h - the subject that --kind, --number and --entity name, as the member `subject` of a
 * question. Layer: cli. The number stands in the body alone: never in an address. */
#ifndef BD_CLI_SUBJECT_H
#define BD_CLI_SUBJECT_H

#include "base/json_write.h"
#include "cli/cli.h"

bool bd_cli_subject_is_given(const struct bd_cli_options *options);
void bd_cli_subject_write(struct bd_json_writer *w, const struct bd_cli_options *options);

#endif
