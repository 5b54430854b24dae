/* fuzz_decode_json.c - any bytes as JSON: the same at any cut. */
#include "fuzz_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decode(BD_FORMAT_JSON, data, size);
}
