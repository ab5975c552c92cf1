/*
 * program.h - a random program on the test's side: its steps, the answers of each side, and both as
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
	bool unprivileged; /* the processes do not belong to root */
	/*
	 * how many areas a process may have in addition to those at the start; 0: as many as Linux
	 * allows
	 */
	uint32_t areas;
	struct step step[MAX_STEPS];
};

/*
 * Bytes of address space that a process of the engine has at the start: its stack. It has no data.
 */
#define START_SIZE (33 * PAGE)

/* The size of file F when a program starts. Page I of it is filled with 'A' + F * 32 + I. */
extern const uint64_t file_sizes[FILES];
void make_files(char *const paths[FILES]);

/*
 * Make a new folder for files in PARENT, or in the usual place if that is NULL. Remove it with all
 * its files.
 */
char *make_folder(const char *parent);
void drop_folder(char *folder);

/* An area, from the host's maps or from the engine. */
struct area {
	uint64_t start, end, offset;
	/*
	 * index of one of our files; FILES for another one (shared anonymous memory); -1 for none
	 */
	int file;
	char perm[5];
};

/* A page with an entry, present or in swap. */
struct resident_page {
	uint64_t va;
	bool present, exclusive;
	bool cached; /* it belongs to a file or to shared memory */
	bool zero;   /* it is the zero page; known for the engine only */
};

/* Pages of a process's areas, in total and by kind, without those it had at the start. */
struct sizes {
	int64_t total, data, stack;
};

/*
 * What smaps shows for an area, in KiB, and its VmFlags. LazyFree is left out, because Linux
 * updates it at a time of its own.
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
	bool is_private; /* anonymous memory: all keys count, otherwise only ANONYMOUS */
	uint64_t kib[USAGE_KEYS];
	char flags[64];
};

/* What a process looks like at the end of the program. */
struct picture {
	bool alive;
	bool forked;  /* it is a fork or has forked */
	bool swapped; /* pages of some process were swapped out */
	struct sizes sizes;
	GArray *areas;    /* of struct area */
	GArray *resident; /* of struct resident_page */
	GArray *usage;    /* of struct usage */
	GArray *pages;    /* of struct dumped_page */
};

/* The answers of one side. */
struct answers {
	struct outcome outcome[MAX_STEPS];
	struct picture picture[SLOTS];
	char *contents[FILES]; /* the contents of the files after all processes have ended */
	gsize size[FILES];
	char *broken; /* the side itself failed: how, and after which step */
	uint32_t broken_step;
};

void answers_init(struct answers *answers);
void answers_clear(struct answers *answers);
void read_contents(struct answers *answers, char *const paths[FILES]);

/* Whether the areas at address VA are compared. The host processes' own areas are not. */
bool is_compared(uint64_t va);

/* Add the pages of AREA that have an entry, according to their words of /proc/PID/pagemap. */
void picture_add_pages(struct picture *picture, const struct area *area, const uint64_t *words);

/* The areas as ranges for the dump: at most MAX_RANGES, with MAX_PAGES in all. */
uint32_t picture_ranges(const struct picture *picture, struct range *ranges);

const char *call_name(uint32_t call);
/*
 * The step as a line for the process's ctl file, or as a comment if there is no such line. Free
 * with g_free.
 */
char *step_text(const struct step *step);
/* The name of an errno, or its number if it has none. Free with g_free. */
char *errno_text(int error);
char *outcome_text(const struct step *step, const struct outcome *outcome);

#endif
