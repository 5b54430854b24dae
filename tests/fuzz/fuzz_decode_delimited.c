/* fuzz_decode_delimited.c - any bytes as a delimited table: the same at any cut. */
#include "fuzz_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decode(BD_FORMAT_DELIMITED, data, size);
}
