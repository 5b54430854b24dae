#include "record/dictionary.h"

const struct bd_entity *bd_dictionary_entity(const struct bd_dictionary *dict, const char *name)
{
	for (size_t i = 0; i < dict->entity_count; i++) {
		if (bd_is_name(dict->entities[i].name, name)) {
			return &dict->entities[i];
		}
	}
	return NULL;
}

const struct bd_entity *bd_dictionary_entity_number(
	const struct bd_dictionary *dict, uint16_t number)
{
	for (size_t i = 0; i < dict->entity_count; i++) {
		if (dict->entities[i].number == number) {
			return &dict->entities[i];
		}
	}
	return NULL;
}

const struct bd_field *bd_dictionary_field(
	const struct bd_dictionary *dict, const char *entity, const char *name)
{
	const struct bd_entity *found = bd_dictionary_entity(dict, entity);

	for (size_t i = 0; found != NULL && i < found->field_count; i++) {
		if (bd_is_name(found->fields[i].name, name)) {
			return &found->fields[i];
		}
	}
	return NULL;
}

const struct bd_field *bd_dictionary_field_number(const struct bd_dictionary *dict, uint16_t number)
{
	return number < dict->fields_by_number_count ? dict->fields_by_number[number] : NULL;
}

const struct bd_id_kind *bd_dictionary_id_kind(const struct bd_dictionary *dict, const char *name)
{
	for (size_t i = 0; i < dict->id_kind_count; i++) {
		if (bd_is_name(dict->id_kinds[i].name, name)) {
			return &dict->id_kinds[i];
		}
	}
	return NULL;
}

const struct bd_id_kind *bd_dictionary_id_kind_number(
	const struct bd_dictionary *dict, uint16_t number)
{
	for (size_t i = 0; i < dict->id_kind_count; i++) {
		if (dict->id_kinds[i].number == number) {
			return &dict->id_kinds[i];
		}
	}
	return NULL;
}

const struct bd_code_value *bd_field_code(const struct bd_field *field, const char *name)
{
	for (size_t i = 0; i < field->code_count; i++) {
		if (bd_is_name(field->codes[i].name, name)) {
			return &field->codes[i];
		}
	}
	return NULL;
}

const struct bd_code_value *bd_field_code_number(const struct bd_field *field, uint16_t number)
{
	for (size_t i = 0; i < field->code_count; i++) {
		if (field->codes[i].number == number) {
			return &field->codes[i];
		}
	}
	return NULL;
}
