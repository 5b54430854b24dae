/* told.h - a finding as its receipt has it. Layer: daemon. */
#ifndef BD_DAEMON_TOLD_H
#define BD_DAEMON_TOLD_H

#include "answer/element.h"
#include "trail/receipt.h"

/* Without the commitment; texts and lists live as the finding, or in the arena. */
enum bd_code bd_told_element(
	struct bd_trail_element *out, const struct bd_finding *finding, struct bd_arena *arena);

#endif
