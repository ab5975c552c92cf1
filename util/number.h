/*
 * number.h - numbers as users write them.
 */
#ifndef UTIL_NUMBER_H
#define UTIL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * An unsigned 64-bit number, decimal or 0x hex, nothing around it. False if TEXT is anything else
 * or larger.
 */
bool number_parse(const char *text, uint64_t *value);

/*
 * Read the number that *TEXT starts with, after blanks and tabs, and move *TEXT past it. False if
 * no number starts there, or it does not fit; *TEXT stays then.
 */
bool number_next(const char **text, uint64_t *value);

/* As number_parse, and with one of K, M, G, T (either case: powers of 1024) behind it. */
bool size_parse(const char *text, uint64_t *value);

#endif
