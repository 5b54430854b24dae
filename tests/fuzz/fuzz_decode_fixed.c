/* fuzz_decode_fixed.c - any bytes as a table of fixed widths: the same at any cut. */
#include "fuzz_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decode(BD_FORMAT_FIXED, data, size);
}
