/*
 * source.h - the bytes of a trace: of a file, of standard input, or of a program that decompresses.
 */
#ifndef REPLAY_SOURCE_H
#define REPLAY_SOURCE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
	int fd;
	GPid program;        /* 0: none */
	const char *command; /* its name */
	int file;            /* what is decompressed; else -1 */
	uint64_t size;       /* of the file, 0: not known */
};

/*
 * Open PATH; `-` is standard input. What ends in .xz, .zst or .gz is read through xz, zstd or gzip.
 * False with *ERROR set.
 */
bool source_open(struct source *source, const char *path, GError **error);

/*
 * Read up to LEN bytes. Returns their number, 0 at the end, or -1 with *ERROR set: it cannot be
 * read, or the program that decompresses it failed.
 */
ssize_t source_read(struct source *source, char *bytes, size_t len, GError **error);

/* How much of it is read, 0 to 1; negative if that is not known. */
double source_part(const struct source *source);

/* Close it. A program that decompresses and has not come to its end is ended. */
void source_close(struct source *source);

#endif
