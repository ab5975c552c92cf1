/*
 * program.c - see program.h. The table of calls has a row a call: its name, and what its arguments are.
 */
#include "tests/differential/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

const uint64_t file_sizes[FILES] = {24 * PAGE, 6 * PAGE + 123, 0};

static void make_file(const char *path, unsigned file)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char bytes[4096];
	bool done = fd >= 0 && ftruncate(fd, 0) == 0;

	for (uint64_t at = 0; done && at < file_sizes[file]; at += PAGE) {
		size_t len = MIN(PAGE, file_sizes[file] - at);
		memset(bytes, 'A' + (int)file * 32 + (int)(at / PAGE), len);
		done = pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len;
	}
	g_assert_true(done);
	close(fd);
}

void make_files(char *const paths[FILES])
{
	for (unsigned i = 0; i < FILES; i++)
		make_file(paths[i], i);
}

/* --- Answers ---------------------------------------------------------------------------------------- */

void answers_init(struct answers *answers)
{
	memset(answers, 0, sizeof *answers);
	for (int i = 0; i < SLOTS; i++) {
		answers->picture[i].areas = g_array_new(FALSE, FALSE, sizeof(struct area));
		answers->picture[i].resident = g_array_new(FALSE, FALSE, sizeof(struct resident_page));
		answers->picture[i].pages = g_array_new(FALSE, FALSE, sizeof(struct dumped_page));
	}
}

void answers_clear(struct answers *answers)
{
	for (int i = 0; i < SLOTS; i++) {
		g_array_unref(answers->picture[i].areas);
		g_array_unref(answers->picture[i].resident);
		g_array_unref(answers->picture[i].pages);
	}
	for (int i = 0; i < FILES; i++)
		g_free(answers->contents[i]);
	g_free(answers->broken);
}

void read_contents(struct answers *answers, char *const paths[FILES])
{
	for (int i = 0; i < FILES; i++)
		g_assert_true(g_file_get_contents(paths[i], &answers->contents[i], &answers->size[i], NULL));
}

bool is_compared(uint64_t va)
{
	return va < HOST_CODE || (va >= HOST_END && va < STACK_LOWEST);
}

uint32_t picture_ranges(const struct picture *picture, struct range *ranges)
{
	uint64_t pages = 0;
	uint32_t count = 0;

	for (guint i = 0; i < picture->areas->len && count < MAX_RANGES; i++) {
		const struct area *area = &g_array_index(picture->areas, struct area, i);
		if (pages + (area->end - area->start) / PAGE > MAX_PAGES)
			continue;
		pages += (area->end - area->start) / PAGE;
		ranges[count++] = (struct range){area->start, area->end};
	}
	return count;
}

/* --- Text ------------------------------------------------------------------------------------------- */

struct word {
	uint64_t bit;
	const char *name;
};

/* WORDS are those set in BITS, joined with commas; what no word says follows as a number. */
static void add_words(GString *text, uint64_t bits, const struct word *words)
{
	const char *comma = " ";

	for (; words->name != NULL; words++) {
		if (!(bits & words->bit))
			continue;
		g_string_append_printf(text, "%s%s", comma, words->name);
		bits &= ~words->bit;
		comma = ",";
	}
	if (bits != 0 || *comma == ' ')
		g_string_append_printf(text, "%s%#lx", comma, bits);
}

static const struct word map_words[] = {
    {MAP_PRIVATE, "private"},      {MAP_SHARED, "shared"},       {MAP_ANONYMOUS, "anon"},    {MAP_FIXED, "fixed"},
    {0x100000, "fixed_noreplace"}, {MAP_GROWSDOWN, "growsdown"}, {MAP_POPULATE, "populate"}, {MAP_LOCKED, "locked"},
    {MAP_NORESERVE, "noreserve"},  {MAP_32BIT, "32bit"},         {MAP_STACK, "stack"},       {0, NULL},
};
static const struct word mremap_words[] = {
    {MREMAP_MAYMOVE, "maymove"}, {MREMAP_FIXED, "fixed"}, {MREMAP_DONTUNMAP, "dontunmap"}, {0, NULL}};
static const struct word msync_words[] = {
    {MS_SYNC, "sync"}, {MS_ASYNC, "async"}, {MS_INVALIDATE, "invalidate"}, {0, NULL}};
static const struct word lock_words[] = {{MLOCK_ONFAULT, "onfault"}, {0, NULL}};
static const struct word lockall_words[] = {
    {MCL_CURRENT, "current"}, {MCL_FUTURE, "future"}, {MCL_ONFAULT, "onfault"}, {0, NULL}};

static void add_prot(GString *text, uint64_t prot)
{
	uint64_t rest = prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);

	g_string_append_printf(text, " %c%c%c%s", prot & PROT_READ ? 'r' : '-', prot & PROT_WRITE ? 'w' : '-',
	                       prot & PROT_EXEC ? 'x' : '-', prot & PROT_GROWSDOWN ? ",growsdown" : "");
	if (rest != 0)
		g_string_append_printf(text, ",%#lx", rest);
}

static void add_file(GString *text, uint64_t file)
{
	static const char *const modes[MODES] = {"rdonly", "wronly", "rdwr"};

	if (file >= BAD_FILE)
		g_string_append(text, " FILE=bad");
	else
		g_string_append_printf(text, " FILE=%lu:%s", file / MODES, modes[file % MODES]);
}

static void add_arg(GString *text, char kind, uint64_t arg)
{
	static const struct word *const words[] = {
	    ['f'] = map_words, ['m'] = mremap_words, ['s'] = msync_words, ['o'] = lock_words, ['a'] = lockall_words};

	if (kind == 'p')
		add_prot(text, arg);
	else if (kind == 'F')
		add_file(text, arg);
	else if (kind == 'd')
		g_string_append_printf(text, " %lu", arg);
	else if (kind == 'x')
		g_string_append_printf(text, " %#lx", arg);
	else
		add_words(text, arg, words[(int)kind]);
}

/* Kinds of arguments: x hex, d decimal, p protection, F file, and words: f mmap, m mremap, s msync, o mlock2, a mlockall. */
static const struct {
	const char *name, *args;
} calls[CALLS] = {
    [CALL_MMAP] = {"mmap", "xxpfFx"},
    [CALL_MUNMAP] = {"munmap", "xx"},
    [CALL_MPROTECT] = {"mprotect", "xxp"},
    [CALL_MREMAP] = {"mremap", "xxxmx"},
    [CALL_BRK] = {"brk", "x"},
    [CALL_MSYNC] = {"msync", "xxs"},
    [CALL_MLOCK] = {"mlock", "xx"},
    [CALL_MLOCK2] = {"mlock2", "xxo"},
    [CALL_MUNLOCK] = {"munlock", "xx"},
    [CALL_MLOCKALL] = {"mlockall", "a"},
    [CALL_MUNLOCKALL] = {"munlockall", ""},
    [CALL_MADVISE] = {"madvise", "xxd"},
    [CALL_MINCORE] = {"mincore", "xx"},
    [CALL_FORK] = {"fork", "d"},
    [CALL_EXIT] = {"exit", ""},
    [CALL_LOAD] = {"access r", "xd"},
    [CALL_STORE] = {"access w", "xdx"},
    [CALL_FILE_WRITE] = {"file-write", "dxdx"},
    [CALL_FILE_RESIZE] = {"file-resize", "dx"},
    [CALL_NONE] = {"nothing", ""},
};

const char *call_name(uint32_t call)
{
	return calls[call].name;
}

char *step_text(const struct step *step)
{
	GString *text = g_string_new(NULL);

	g_string_printf(text, "P%u: %s", step->slot, calls[step->call].name);
	for (unsigned i = 0; calls[step->call].args[i] != '\0'; i++)
		add_arg(text, calls[step->call].args[i], step->arg[i]);
	return g_string_free(text, FALSE);
}

char *outcome_text(const struct step *step, const struct outcome *outcome)
{
	if (outcome->result == SKIPPED)
		return g_strdup("skipped");
	if (outcome->signal != 0)
		return g_strdup_printf("%ld bytes, then %s code %d", outcome->result, g_strsignal(outcome->signal),
		                       outcome->code);
	if (outcome->result < 0 && outcome->result > -4096)
		return g_strdup_printf("%s", strerrorname_np((int)-outcome->result));
	return g_strdup_printf("%#lx (%lx)", outcome->result, outcome->value);
}
