/* salts.h - the salts of subjects, in fixed slots of a file outside LMDB, so that erasing is final.
 *
 * Layer: store, private. LMDB leaves deleted pages readable for long; a salt is overwritten in
 * place and synced, and with it the key of all that stood under it is gone. The writer's thread
 * sets, any thread gets. A slot of zeros is none: never set, or erased.
 *
 * New salts wait in memory until bd_salts_sync: nothing that needs them may be committed before.
 */
#ifndef BD_STORE_SALTS_H
#define BD_STORE_SALTS_H

#include "base/bytes.h"
#include "base/diag.h"

#define BD_SALT_BYTES 16
/* Salts that wait: a transaction of small new subjects has about as many. */
#define BD_SALTS_WAITING_MAX 4096

struct bd_salts {
	int fd;
	uint8_t *slots; /* mapped */
	size_t size;
	uint64_t erasures; /* atomic; slots that were overwritten since it was opened */
	/* the writer's */
	uint64_t waiting_slot; /* of the first that waits */
	size_t waiting_count;
	bool is_written; /* something is not synced */
	uint8_t waiting[BD_SALTS_WAITING_MAX][BD_SALT_BYTES];
};

/* The file `salts` in folder, made if it is missing. */
enum bd_code bd_salts_open(struct bd_salts *salts, const char *folder, struct bd_diag *diag);
void bd_salts_close(struct bd_salts *salts);
/* BD_DISK_FULL when there are no more slots, or no room for the file. */
enum bd_code bd_salts_set(struct bd_salts *salts, uint64_t slot, const uint8_t salt[BD_SALT_BYTES]);
/* Writes what waits and makes all durable. BD_STORE_SYNC: the disk did not take it, and nothing is
 * known of what was set. */
enum bd_code bd_salts_sync(struct bd_salts *salts);
/* Drops what waits: the transaction that wanted it was given up. */
void bd_salts_forget(struct bd_salts *salts);
/* false when the slot was erased or is none. */
bool bd_salts_get(uint8_t salt[BD_SALT_BYTES], const struct bd_salts *salts, uint64_t slot);
/* The writer's: also what waits. */
bool bd_salts_get_own(uint8_t salt[BD_SALT_BYTES], const struct bd_salts *salts, uint64_t slot);
/* Overwrites the slot with zeros; final after bd_salts_sync. */
enum bd_code bd_salts_erase(struct bd_salts *salts, uint64_t slot);
/* Grows with every bd_salts_erase: what was read before may be of an erased slot. Any thread. */
uint64_t bd_salts_erasures(const struct bd_salts *salts);

#endif
