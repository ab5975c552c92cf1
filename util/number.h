/*
 * number.h - numbers as users write them.
 */
#ifndef UTIL_NUMBER_H
#define UTIL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parse TEXT as an unsigned number, decimal or hex with 0x, with nothing around it. False if TEXT
 * is anything else, or does not fit into 64 bits.
 */
bool number_parse(const char *text, uint64_t *value);

/*
 * Read the number at the start of *TEXT, after blanks and tabs, and move *TEXT past it. False, with
 * *TEXT unchanged, if there is no number or it does not fit into 64 bits.
 */
bool number_next(const char **text, uint64_t *value);

/*
 * As number_parse, but one of K, M, G, T (or k, m, g, t) may follow the digits. They are powers of
 * 1024.
 */
bool size_parse(const char *text, uint64_t *value);

/* Whether TEXT is a number in hex that lacks its 0x: only hex digits, and a letter among them. */
bool number_is_bare_hex(const char *text);

/* Whether TEXT is written as a number, but does not fit into 64 bits. */
bool number_is_too_large(const char *text);

#endif
