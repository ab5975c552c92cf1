/*
 * callnames.h - the names of constants that system calls take, as strace prints them.
 */
#ifndef FS_RUN_CALLNAMES_H
#define FS_RUN_CALLNAMES_H

#include <glib.h>
#include <stdint.h>

/* A name for a value, or for bits. A NULL name ends a table. */
struct call_name {
	uint64_t value;
	const char *name;
};

/* The names for the letter LETTER of a format (syscall.h), or NULL. */
struct call_names {
	char letter;
	const char *prefix; /* for a value that has no name: 0x1234 followed by a comment */
	const char *zero;   /* flags: what no bits are called; NULL: it is one value, not flags */
	const struct call_name *names;
};

const struct call_names *call_names_find(char letter);

/* Append VALUE: a name, or names joined by |, with what has no name in hex. */
void call_names_add(GString *out, const struct call_names *names, uint64_t value);

#endif
