/*
 * check_report.c - what the files of the checker share: complaints and the lengths of lists.
 */
#include "vm/look/check.h"

void check_complain(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->wrong != NULL)
		return;
	va_start(args, format);
	check->wrong = g_strdup_vprintf(format, args);
	va_end(args);
}

void check_compare(struct check *check, const char *what, uint64_t kept, uint64_t found)
{
	if (kept != found)
		check_complain(check, "%lu %s, counted %lu", kept, what, found);
}

uint64_t check_list(struct check *check, const struct list_link *list, uint64_t limit)
{
	uint64_t length = 0;

	for (const struct list_link *l = list; length <= limit; l = l->next, length++) {
		if (l->next->prev != l)
			break;
		if (l->next == list)
			return length;
	}
	check_complain(check, "a list is broken after %lu members", length);
	return length;
}
