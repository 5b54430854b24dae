#include "trail/folder.h"

#include "trail/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bd_trail_folder {
	struct bd_trail_head head;
	struct bd_buf body; /* of the head */
	struct bd_trail_signed signed_head;
	struct bd_trail_tree tree;
};

static enum bd_code open_tree(
	struct bd_trail_folder *folder, const char *path, struct bd_diag *diag)
{
	int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	enum bd_code code = BD_OK;

	if (top < 0) {
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	code = bd_trail_open_file(&fd, top, BD_TRAIL_TREE_NAME, false, diag);
	close(top);
	bd_trail_tree_of(&folder->tree, fd);
	return code != BD_OK || fd >= 0
		       ? code
		       : bd_fail(diag, BD_TRAIL_DAMAGED, "%s: missing", BD_TRAIL_TREE_NAME);
}

enum bd_code bd_trail_folder_open(struct bd_trail_folder **out, const char *path,
	const struct bd_trail_signed *head, struct bd_diag *diag)
{
	struct bd_trail_folder *folder = calloc(1, sizeof(*folder));
	enum bd_code code;

	if (folder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	folder->tree.fd = -1;
	bd_buf_init(&folder->body, BD_TRAIL_HEAD_MAX_BYTES);
	code = bd_buf_add(&folder->body, head->body);
	if (code == BD_OK && !bd_trail_head_unpack(&folder->head, head->body)) {
		code = BD_TRAIL_DAMAGED;
	}
	if (code != BD_OK) {
		bd_fail(diag, code, "no head");
	}
	folder->signed_head = *head;
	folder->signed_head.body = bd_buf_bytes(&folder->body);
	code = code == BD_OK ? open_tree(folder, path, diag) : code;
	if (code != BD_OK) {
		bd_trail_folder_close(folder);
		return code;
	}
	*out = folder;
	return BD_OK;
}

void bd_trail_folder_close(struct bd_trail_folder *folder)
{
	if (folder == NULL) {
		return;
	}
	if (folder->tree.fd >= 0) {
		close(folder->tree.fd);
	}
	bd_buf_release(&folder->body);
	free(folder);
}

uint64_t bd_trail_folder_size(const struct bd_trail_folder *folder)
{
	return folder->head.size;
}

enum bd_code bd_trail_folder_prove(struct bd_trail_proof *out, struct bd_trail_folder *folder,
	struct bd_bytes body, uint64_t leaf, struct bd_diag *diag)
{
	struct bd_hash hash;
	enum bd_code code;

	*out = (struct bd_trail_proof){ .body = body, .leaf = leaf, .head = folder->signed_head };
	code = bd_merkle_leaf(&hash, body);
	code = code == BD_OK ? bd_merkle_inclusion(&out->path, leaf, folder->head.size,
				       &folder->tree.source, diag)
			     : code;
	code = code == BD_OK ? bd_merkle_check_inclusion(&out->path, &hash, leaf, folder->head.size,
				       &folder->head.root)
			     : code;
	if (code == BD_PROOF_WRONG) {
		code = bd_fail(diag, BD_TRAIL_DAMAGED, "%s: does not lead to the head",
			BD_TRAIL_TREE_NAME);
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "no digest");
}
