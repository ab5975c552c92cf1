/*
 * table.c - the table of all system calls.
 */
#include "fs/run/calls.h"

#define CALL_ROW(number, name, format) {number, #name, sys_##name, format},

static const struct call_row rows[] = {
    CALLS_MEMORY(CALL_ROW) CALLS_FILE(CALL_ROW) CALLS_PATH(CALL_ROW) CALLS_PROCESS(CALL_ROW)
        CALLS_SIGNAL(CALL_ROW) CALLS_TIME(CALL_ROW) CALLS_SOCKET(CALL_ROW)};

enum { NUMBERS = 512 };

const struct call_row *call_row_find(uint64_t number)
{
	static const struct call_row *by_number[NUMBERS];
	static gsize known;

	if (g_once_init_enter(&known)) {
		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
			by_number[rows[i].number] = &rows[i];
		g_once_init_leave(&known, 1);
	}
	return number < NUMBERS ? by_number[number] : NULL;
}
