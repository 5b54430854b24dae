/* replay.c - runs a fuzz target over the kept inputs of its corpus, as an ordinary test.
 *
 * Linked with tests/fuzz/fuzz_NAME.c as tests/fuzz/replay_NAME; reads
 * $srcdir/tests/fuzz/corpus/NAME. A target that finds its own rule broken aborts, so reaching the
 * end is the result; a corpus that is missing or empty fails.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t len = 0, room = 0, got = 0;

	if (file == NULL) {
		return -1;
	}
	do {
		len += got;
		if (len == room) {
			room = room == 0 ? 4096 : room * 2;
			bytes = realloc(bytes, room);
			if (bytes == NULL) {
				abort();
			}
		}
		got = fread(bytes + len, 1, room - len, file);
	} while (got > 0);
	fclose(file);
	/* Exactly its own length: a read past the end is seen by the sanitizer. */
	uint8_t *exact = malloc(len > 0 ? len : 1);
	if (exact == NULL) {
		abort();
	}
	memcpy(exact, bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(argv[0], "replay_");
	char folder[4096], path[8192];
	int count = 0, failed = 0;
	const struct dirent *entry;

	if (argc != 1 || name == NULL) {
		fputs("runs as replay_NAME, without arguments\n", stderr);
		return 2;
	}
	name += strlen("replay_");
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
		name);
	DIR *dir = opendir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			failed += run_file(path) != 0;
			count++;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	printf("1..1\n%s 1 - fuzz %s: %d kept inputs\n", count > 0 && failed == 0 ? "ok" : "not ok",
		name, count);
	return count > 0 && failed == 0 ? 0 : 1;
}
