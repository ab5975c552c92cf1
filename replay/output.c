#include "replay/output.h"

#include <string.h>

static const struct output outputs[] = {
    {"table", write_table}, {"csv", write_csv}, {"json", write_json}, {"svg", write_svg}};

const struct output *output_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++)
		if (strcmp(outputs[i].name, name) == 0)
			return &outputs[i];
	return NULL;
}
