#include "intake/decode.h"

enum bd_code bd_decode_new(struct bd_decoder **out, enum bd_format format,
	const struct bd_decode_settings *settings, struct bd_listener *listener,
	struct bd_diag *diag)
{
	switch (format) {
	case BD_FORMAT_XML:
		return bd_decode_xml_new(out, settings, listener, diag);
	case BD_FORMAT_JSON:
		return bd_decode_json_new(out, settings, listener, diag);
	case BD_FORMAT_DELIMITED:
		return bd_decode_delimited_new(out, settings, listener, diag);
	case BD_FORMAT_CSV:
		return bd_decode_csv_new(out, settings, listener, diag);
	default:
		return bd_decode_fixed_new(out, settings, listener, diag);
	}
}
