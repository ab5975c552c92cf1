/*
 * hostprocess.c - what the host's /proc says about the process of a caller.
 */
#include "fs/host/hostprocess.h"

#include "util/number.h"

#include <string.h>

GArray *hostprocess_numbers(pid_t pid, const char *key)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
	g_autofree char *start = g_strdup_printf("\n%s:", key);
	g_autofree char *status = NULL;
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	const char *line;

	if (pid == 0 || !g_file_get_contents(path, &status, NULL, NULL) ||
	    (line = strstr(status, start)) == NULL)
		return numbers;
	line += strlen(start);
	for (uint64_t value; number_next(&line, &value);) {
		uint32_t number = (uint32_t)value;

		g_array_append_val(numbers, number);
	}
	return numbers;
}
