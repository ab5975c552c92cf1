/*
 * trace.h - memory traces: bytes in, references out.
 *
 * A reader is fed with the bytes of a trace, in pieces of any size, and hands out references in
 * batches. It tells the format from the first lines:
 *
 *     lackey      `I  ADDR,SIZE`, ` L ADDR,SIZE`, ` S ADDR,SIZE`, ` M ADDR,SIZE` (valgrind
 *                 --tool=lackey --trace-mem=yes); ADDR in hex without 0x, SIZE decimal. M, a load
 *                 and a store of the same bytes, is one reference, a store. Lines that begin with
 *                 `==` are passed over
 *     access      `r|w|x ADDR [LEN]`, numbers as in ctl (decimal or 0x hex); LEN is 1 if missing
 *     spec        `l|s 0xADDR N`
 *     din         `ADDR R|W`, hex with or without 0x
 *     pin         `PC: R|W ADDR`, hex with or without 0x
 *     pages       page numbers, decimal, apart by blanks, commas and newlines: `N`, or `Nw` for a
 *                 store. Page N is the page at address N * 4096
 *
 * Empty lines, and lines that begin with `#`, are passed over in every format. A trace keeps its
 * format to its end.
 *
 * A line is never longer than TRACE_MAX_LINE bytes; but a list of pages may have lines of any
 * length. The memory of a reader is bounded.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "vm/vm.h"

#include <glib.h>

enum {
	TRACE_MAX_LINE = 256, /* bytes of a line, without its newline */
	TRACE_BATCH = 4096,   /* references in one batch, at most */
};

/* References that follow each other, with the number of the line of each, from 1 on. */
struct trace_batch {
	size_t count;
	struct vm_reference reference[TRACE_BATCH];
	uint64_t line[TRACE_BATCH];
};

/*
 * Gets each batch. FALSE: the reader stops, and trace_reader_feed returns false without an error of
 * its own.
 */
typedef bool (*trace_batch_fn)(void *ctx, const struct trace_batch *batch);

struct trace_reader;

/* A reader whose batches FN gets. NULL: no memory. */
struct trace_reader *trace_reader_new(trace_batch_fn fn, void *ctx);
void trace_reader_free(struct trace_reader *reader);

/*
 * Read the next LEN bytes. All references of whole lines are handed out before it returns. False:
 * FN returned false, or a line is no reference; then *ERROR is set (G_FILE_ERROR_INVAL, a sentence
 * with the line's number), what came before was handed out, and the reader takes nothing more.
 */
bool trace_reader_feed(struct trace_reader *reader, const char *bytes, size_t len, GError **error);

/* The trace has ended: read a last line that has no newline. As trace_reader_feed. */
bool trace_reader_end(struct trace_reader *reader, GError **error);

/* Lines that were passed over so far, and lines in all. */
uint64_t trace_reader_passed_over(const struct trace_reader *reader);
uint64_t trace_reader_lines(const struct trace_reader *reader);

/* The name of the format ("lackey", ...), or NULL as long as it is not known. */
const char *trace_reader_format(const struct trace_reader *reader);

/* The name of format number INDEX, from 0 on; NULL behind the last. */
const char *trace_format_name(unsigned index);

/* The reader expects this format and does not look for another. False: there is none of that name. */
bool trace_reader_set_format(struct trace_reader *reader, const char *name);

#endif
