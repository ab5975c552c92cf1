/*
 * internal.h - what the files of trace/ share: the reader, and what a format is.
 *
 * trace.c cuts bytes into regions of whole lines. The loop of a format (scan.h) turns the lines of
 * a region into references. What the loop leaves goes to line.c: lines that are passed over, and
 * lines that are wrong.
 */
#ifndef TRACE_INTERNAL_H
#define TRACE_INTERNAL_H

#include "trace/trace.h"

/* What a line turned out to be. */
enum trace_fault {
	TRACE_FINE,
	TRACE_OTHER_FORM,  /* no line of this format */
	TRACE_TOO_HIGH,    /* it does not end below VM_USER_END */
	TRACE_NO_LENGTH,   /* the length is 0 */
	TRACE_LONG_ACCESS, /* the length does not fit into 32 bits */
	TRACE_LONG_LINE,
};

/*
 * Read the line at *P, which ends with a newline. Up to TRACE_AHEAD bytes behind the newline may be
 * looked at. On success *P is moved behind the newline.
 */
typedef enum trace_fault (*trace_line_fn)(const char **p, struct vm_reference *reference);

enum { TRACE_AHEAD = 16 };

struct trace_format {
	const char *name;
	const char *expected; /* "... of the form ..." */
	bool has_headers;     /* lines that begin with == are passed over */
	/* NULL: the format is not one of lines, but of words between separators */
	trace_line_fn line;
	/*
	 * Read all lines from P to END, where a line ends; for words, all words. False: the reader
	 * has failed.
	 */
	bool (*region)(struct trace_reader *reader, const char *p, const char *end);
};

struct trace_reader {
	trace_batch_fn fn;
	void *ctx;
	const struct trace_format *format; /* NULL: not known yet */
	uint64_t lines, passed_over;       /* lines that have ended */
	/* in a line that is passed over, behind its first TRACE_MAX_LINE bytes */
	bool skipping;
	bool word_in_line; /* pages: this line has a word */
	bool in_line;      /* pages: this line has begun */
	bool failed;       /* it takes nothing more */
	GError *error;     /* why, if no batch function said so */
	size_t carried;    /* bytes of the line, or word, that has begun */
	char carry[TRACE_MAX_LINE + 2];
	struct trace_batch batch;
};

extern const struct trace_format trace_lackey, trace_access, trace_spec, trace_din, trace_pin,
    trace_pages;

/* Hand out the batch. False: the reader has failed. */
bool trace_flush(struct trace_reader *reader);

/* The line after reader->lines is wrong. TEXT has LEN bytes. Returns false. */
bool trace_fail(struct trace_reader *reader, enum trace_fault fault, const char *text, size_t len);

/* Whether the line, without its newline, is one to pass over. */
bool trace_is_passed_over(const struct trace_reader *reader, const char *line, size_t len);

/*
 * Read the one line at P that ends with the newline at END, whatever it is: pass over it, add a
 * reference to the batch, which has room, or fail. False: the reader has failed.
 */
bool trace_one_line(struct trace_reader *reader, const char *p, const char *end);

#endif
