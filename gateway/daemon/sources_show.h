/* sources_show.h - the board of sources as status and figures tell it. Layer: daemon. */
#ifndef BD_DAEMON_SOURCES_SHOW_H
#define BD_DAEMON_SOURCES_SHOW_H

#include "base/json_write.h"
#include "daemon/loop.h"

/* The member "sources": every connection and pull, in the order of their names. */
void bd_sources_write(struct bd_json_writer *w, const struct bd_daemon *daemon);
/* Figures in the text format 0.0.4 of Prometheus. */
enum bd_code bd_sources_figures(struct bd_buf *out, const struct bd_daemon *daemon);

#endif
