/* folder.h - proofs for entries of a trail's folder, made by whoever has the folder and no biduid.
 *
 * Layer: trail. Reads the tree's file and nothing else; what it makes holds under the head given,
 * or is not made: the file needs no trust.
 */
#ifndef BD_TRAIL_FOLDER_H
#define BD_TRAIL_FOLDER_H

#include "trail/trail.h"

struct bd_trail_folder;

/* head: under which the proofs will be; copied. */
enum bd_code bd_trail_folder_open(struct bd_trail_folder **out, const char *folder,
	const struct bd_trail_signed *head, struct bd_diag *diag);
void bd_trail_folder_close(struct bd_trail_folder *folder); /* NULL is allowed */
/* Leaves that the head has. */
uint64_t bd_trail_folder_size(const struct bd_trail_folder *folder);
/* body is borrowed, the head lives as the folder. leaf < size; BD_TRAIL_DAMAGED: the tree's file
 * does not lead to the head. */
enum bd_code bd_trail_folder_prove(struct bd_trail_proof *out, struct bd_trail_folder *folder,
	struct bd_bytes body, uint64_t leaf, struct bd_diag *diag);

#endif
