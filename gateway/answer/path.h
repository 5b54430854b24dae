/* path.h - an element over relations: what is found at each subject that the path leads to. Layer:
 * answer, private to it. */
#ifndef BD_ANSWER_PATH_H
#define BD_ANSWER_PATH_H

#include "answer/evidence.h"

/* The worst of what is found at the ends, and of how well the path itself is known: somebody that
 * is not told of could be the one that matters, and a relation that waits for a rejected record
 * leads nowhere until it is mended. The finding has the flags of all that it was made of. Where
 * `any` or so many ends are enough, the best ones stand; of too few the best that failed. */
enum bd_code bd_path_follow(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held);
/* The element at one subject, without its path. */
enum bd_code bd_element_find_in(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held);

#endif
