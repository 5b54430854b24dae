/* map.h - events of a decoder to drafts, by the feed's plan; drafts to records; to the sink.
 *
 * Layer: intake. One mapper a message. Memory is one record, whatever the length of the message.
 */
#ifndef BD_INTAKE_MAP_H
#define BD_INTAKE_MAP_H

#include "intake/events.h"
#include "intake/intake.h"

struct bd_map;

enum bd_code bd_map_new(struct bd_map **out, const struct bd_intake_settings *settings,
	struct bd_intake_sink *sink, struct bd_diag *diag);
void bd_map_free(struct bd_map *map);
struct bd_listener *bd_map_listener(struct bd_map *map);
/* After the decoder has ended well: what only the whole message says. The result lives as long as
 * the mapper. */
enum bd_code bd_map_end(
	struct bd_map *map, const struct bd_intake_result **result, struct bd_diag *diag);

#endif
