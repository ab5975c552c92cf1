#include "fs/host/hostsmaps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

/* The start of the line after TEXT. */
static const char *next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL ? end + 1 : text + strlen(text);
}

/* Parse the line that opens an area. */
static bool parse_head(const char *line, struct hostarea *area)
{
	unsigned device_major, device_minor;
	char perm[5] = "";
	int name_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %ju %n", &area->start,
	           &area->end, perm, &area->offset, &device_major, &device_minor,
	           (uintmax_t *)&area->ino, &name_at) != 7)
		return false;
	area->prot = (perm[0] == 'r' ? PROT_READ : 0) | (perm[1] == 'w' ? PROT_WRITE : 0) |
	             (perm[2] == 'x' ? PROT_EXEC : 0);
	area->shared = perm[3] == 's';
	area->dev = makedev(device_major, device_minor);
	/* The blank in the format also passes over the end of a line without a name. */
	const char *end = strchrnul(line, '\n');
	area->name = line + name_at < end ? line + name_at : end;
	area->name_len = (size_t)(end - area->name);
	return true;
}

/* Whether WORD is one of the words of LINE. */
static bool has_word(const char *line, const char *word)
{
	const char *end = strchrnul(line, '\n'), *found = strstr(line, word);

	return found != NULL && found < end;
}

static void parse_detail(const char *line, struct hostarea *area)
{
	const struct {
		const char *key;
		uint64_t *value;
	} keys[] = {{"Rss:", &area->rss}, {"Swap:", &area->swap}, {"Anonymous:", &area->anonymous}};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strncmp(line, keys[i].key, strlen(keys[i].key)) == 0)
			*keys[i].value = strtoull(line + strlen(keys[i].key), NULL, 10) * 1024;
	if (strncmp(line, "VmFlags:", 8) == 0)
		area->io = has_word(line, " io ") || has_word(line, " pf ");
}

/* Lines of areas begin with digits in lower case, all others with a capital. */
static bool is_head(const char *line)
{
	return (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f');
}

bool hostsmaps_next(const char **text, struct hostarea *area)
{
	*area = (struct hostarea){.start = 0};
	while (**text != '\0' && !(is_head(*text) && parse_head(*text, area)))
		*text = next_line(*text);
	if (**text == '\0')
		return false;
	for (*text = next_line(*text); **text != '\0' && !is_head(*text); *text = next_line(*text))
		parse_detail(*text, area);
	return true;
}
