#include "base/digest.h"
#include "base/digest_sm3.h"
#include "base/form_parts.h"
#include "base/sm4_blocks.h"
#include "base/try.h"

static enum bd_code encode(struct bd_buf *out, enum bd_form_coding coding, struct bd_bytes bytes)
{
	bool is_whole;

	return bd_form_format(out, &is_whole, bytes, coding == BD_FORM_HEX ? "hex" : "base64");
}

static enum bd_code digest(
	struct bd_buf *out, const struct bd_form_step *step, struct bd_bytes text)
{
	uint8_t bytes[BD_DIGEST_BYTES];

	BD_TRY(step->function == BD_FORM_SHA256 ? bd_sha256_of(text, bytes)
						: bd_sm3_of(text, bytes));
	return encode(out, step->coding, (struct bd_bytes){ (const char *)bytes, sizeof(bytes) });
}

static enum bd_code mac(struct bd_buf *out, const struct bd_form_step *step, struct bd_bytes text,
	struct bd_bytes key)
{
	uint8_t bytes[BD_DIGEST_BYTES];
	struct bd_hmac *hmac = NULL;
	enum bd_code code = step->function == BD_FORM_HMAC_SHA256 ? bd_hmac_new(&hmac, key)
								  : bd_hmac_new_sm3(&hmac, key);

	code = code == BD_OK ? bd_hmac_of(hmac, text, bytes) : code;
	bd_hmac_free(hmac);
	BD_TRY(code);
	return encode(out, step->coding, (struct bd_bytes){ (const char *)bytes, sizeof(bytes) });
}

static enum bd_code sign(struct bd_buf *out, const struct bd_form_step *step, struct bd_bytes text,
	const struct bd_sign_key *key)
{
	uint8_t raw[BD_SIGNATURE_BYTES], der[BD_SIGNATURE_DER_MAX_BYTES];
	struct bd_bytes bytes = { (const char *)raw, sizeof(raw) };

	if (key == NULL) {
		return BD_CONFIG_MEANING;
	}
	BD_TRY(bd_sign(raw, key, text));
	if (step->function == BD_FORM_SM2_SIGN_DER) {
		bytes = (struct bd_bytes){ (const char *)der, bd_signature_to_der(der, raw) };
	}
	return encode(out, step->coding, bytes);
}

static enum bd_code seal(struct bd_buf *out, const struct bd_form_step *step, struct bd_bytes text,
	struct bd_bytes key)
{
	uint8_t bytes[BD_SM4_BLOCKS_KEY_BYTES];
	struct bd_buf sealed;
	enum bd_code code;

	if (!bd_unhex(bytes, sizeof(bytes), key)) {
		return BD_CONFIG_MEANING;
	}
	bd_buf_init(&sealed, text.len + BD_SM4_BLOCKS_BYTES);
	code = bd_sm4_blocks_seal(&sealed, BD_SM4_BLOCKS_ECB, bytes, NULL, text);
	bd_wipe(bytes, sizeof(bytes));
	code = code == BD_OK ? encode(out, step->coding, bd_buf_bytes(&sealed)) : code;
	bd_buf_release(&sealed);
	return code;
}

enum bd_code bd_form_compute(struct bd_buf *out, const struct bd_form_step *step,
	struct bd_bytes text, const struct bd_form_value *key)
{
	bool needs_key = step->function != BD_FORM_SHA256 && step->function != BD_FORM_SM3;

	if (needs_key && key == NULL) {
		return BD_CONFIG_MEANING;
	}
	switch (step->function) {
	case BD_FORM_SHA256:
	case BD_FORM_SM3:
		return digest(out, step, text);
	case BD_FORM_HMAC_SHA256:
	case BD_FORM_HMAC_SM3:
		return mac(out, step, text, key->bytes);
	case BD_FORM_SM2_SIGN:
	case BD_FORM_SM2_SIGN_DER:
		return sign(out, step, text, key->key);
	case BD_FORM_SM4_ECB:
		return seal(out, step, text, key->bytes);
	}
	return BD_INTERNAL;
}
