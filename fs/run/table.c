/*
 * table.c - the table of all system calls.
 */
#include "fs/run/calls.h"

#define CALL_ROW(number, name, format) [number] = {number, #name, sys_##name, format},

/* By their numbers. What is not there has no function. */
static const struct call_row rows[] = {
    CALLS_MEMORY(CALL_ROW) CALLS_FILE(CALL_ROW) CALLS_PATH(CALL_ROW) CALLS_PROCESS(CALL_ROW)
        CALLS_SIGNAL(CALL_ROW) CALLS_TIME(CALL_ROW) CALLS_SOCKET(CALL_ROW)};

const struct call_row *call_row_find(uint64_t number)
{
	return number < G_N_ELEMENTS(rows) && rows[number].fn != NULL ? &rows[number] : NULL;
}
