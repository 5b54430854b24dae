/* log.h - one JSON line an event on standard error: time, level, module, event, numbers. Layer:
 * base.
 *
 * Safe from any thread (one write a line). Never a citizen's value: names and texts given are
 * constants of ours.
 */
#ifndef BD_BASE_LOG_H
#define BD_BASE_LOG_H

#include "base/diag.h"

enum bd_log_level { BD_LOG_DEBUG = 1, BD_LOG_INFO, BD_LOG_WARNING, BD_LOG_ERROR };

/* Lines below it are dropped; set once at start, before there are threads. */
void bd_log_set_level(enum bd_log_level level);
/* printf into `detail`; the line is {"time","level","module","event","detail"}. */
void bd_log(enum bd_log_level level, const char *module, const char *event, const char *detail, ...)
	__attribute__((format(printf, 4, 5)));
/* The code, place and file of a diag as members. */
void bd_log_diag(
	enum bd_log_level level, const char *module, const char *event, const struct bd_diag *diag);

#endif
