/* fuzz_decode_xml.c - any bytes as XML: the same at any cut. */
#include "fuzz_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decode(BD_FORMAT_XML, data, size);
}
