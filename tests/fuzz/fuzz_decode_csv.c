/* fuzz_decode_csv.c - any bytes as CSV: the same at any cut. */
#include "fuzz_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decode(BD_FORMAT_CSV, data, size);
}
