/*
 * program.h - a random program on the test's side: its steps, what a side made of it, and both as
 * text.
 *
 *     generate(program, seed)                      generator.h
 *     host_run, engine_run -> two struct answers   host_executor.h, engine_executor.h
 *     compare(program, how, host, engine, difference)   compare.h: whether they differ, and how
 *     shrink(program, ...)                         shrink.h
 */
#ifndef TESTS_DIFFERENTIAL_PROGRAM_H
#define TESTS_DIFFERENTIAL_PROGRAM_H

#include "tests/differential/protocol.h"

#include <glib.h>
#include <stdbool.h>

#define PAGE UINT64_C(4096)

struct program {
	uint32_t seed, steps;
	bool small;        /* the engine gets little RAM, and the program locks nothing */
	bool unprivileged; /* the processes are not root's */
	/* that a process may have besides those that it starts with; 0: as many as Linux allows */
	uint32_t areas;
	struct step step[MAX_STEPS];
};

/* Bytes of address space that a process of the engine starts with: its stack. It has no data. */
#define START_SIZE (33 * PAGE)

/* The bytes of file F when a program starts: page I is filled with 'A' + F * 32 + I. */
extern const uint64_t file_sizes[FILES];
void make_files(char *const paths[FILES]);

/*
 * A new folder for files in PARENT, or in the usual place if that is NULL; and away with it, and
 * what is in it.
 */
char *make_folder(const char *parent);
void drop_folder(char *folder);

/* An area of the host's maps or the engine's. */
struct area {
	uint64_t start, end, offset;
	/* index of ours, FILES for another one (shared anonymous memory), -1 for none */
	int file;
	char perm[5];
};

/* A page that has an entry, present or in swap. */
struct resident_page {
	uint64_t va;
	bool present, exclusive;
	bool cached; /* a page of a file or of shared memory */
	bool zero;   /* the zero page; the engine tells */
};

/* Pages of a process's areas, all and by kind, without those that it started with. */
struct sizes {
	int64_t total, data, stack;
};

/*
 * What smaps says of an area, in KiB, and its VmFlags. LazyFree is left out: Linux gets to it when
 * it likes.
 */
enum usage_key {
	RSS,
	PSS,
	SHARED_CLEAN,
	SHARED_DIRTY,
	PRIVATE_CLEAN,
	PRIVATE_DIRTY,
	ANONYMOUS,
	USAGE_KEYS
};
struct usage {
	uint64_t start;
	bool is_private; /* anonymous memory: all the keys are told, else ANONYMOUS alone */
	uint64_t kib[USAGE_KEYS];
	char flags[64];
};

/* What a process looks like when the program is over. */
struct picture {
	bool alive;
	bool forked;  /* it is a fork, or has forked */
	bool swapped; /* pages of some process have been swapped out */
	struct sizes sizes;
	GArray *areas;    /* struct area */
	GArray *resident; /* struct resident_page */
	GArray *usage;    /* struct usage */
	GArray *pages;    /* struct dumped_page */
};

/* What one side answered. */
struct answers {
	struct outcome outcome[MAX_STEPS];
	struct picture picture[SLOTS];
	char *contents[FILES]; /* of the files, after all processes have ended */
	gsize size[FILES];
	char *broken; /* the side itself failed: how, and after which step */
	uint32_t broken_step;
};

void answers_init(struct answers *answers);
void answers_clear(struct answers *answers);
void read_contents(struct answers *answers, char *const paths[FILES]);

/* Whether the areas of the address VA are compared: all but the host processes' own. */
bool is_compared(uint64_t va);

/* The pages of AREA that have an entry, by its words of /proc/PID/pagemap. */
void picture_add_pages(struct picture *picture, const struct area *area, const uint64_t *words);

/* Areas as ranges for the dump; at most MAX_RANGES, and MAX_PAGES in all. */
uint32_t picture_ranges(const struct picture *picture, struct range *ranges);

const char *call_name(uint32_t call);
/*
 * The step as a line for the process's ctl, where there is one for it, else as a comment. Free with
 * g_free.
 */
char *step_text(const struct step *step);
/* An errno by name, or as a number where it has none. Free with g_free. */
char *errno_text(int error);
char *outcome_text(const struct step *step, const struct outcome *outcome);

#endif
