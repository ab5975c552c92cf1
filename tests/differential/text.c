/*
 * text.c - steps as lines of a process's ctl file, and their outcomes as text (program.h).
 *
 * A table has one row for each call: its name, and the kinds of its arguments:
 *
 *     x hexadecimal   d decimal   p rights   F flags of mmap, its file and offset
 *     R flags and place of mremap   l limit, soft and hard   v advice
 *     s, o, a words of msync, mlock2, mlockall
 *
 * Bits without a word in ctl are added as a number, which ctl refuses. A step that is not a call of
 * a process becomes a comment.
 */
#include "tests/differential/program.h"
#include "util/linux_constants.h"

#include <string.h>

struct word {
	uint64_t bits;
	const char *name;
};

/* --- Words ------------------------------------------------------------------------------------ */

static const struct word map_words[] = {
    {MAP_SHARED_VALIDATE, "shared_validate"},
    {MAP_PRIVATE, "private"},
    {MAP_SHARED, "shared"},
    {MAP_ANONYMOUS, "anon"},
    {MAP_FIXED, "fixed"},
    {MAP_FIXED_NOREPLACE, "fixed_noreplace"},
    {MAP_GROWSDOWN, "growsdown"},
    {MAP_POPULATE, "populate"},
    {MAP_LOCKED, "locked"},
    {MAP_NORESERVE, "noreserve"},
    {MAP_32BIT, "32bit"},
    {MAP_STACK, "stack"},
    {0, NULL},
};
static const struct word mremap_words[] = {{MREMAP_MAYMOVE, "maymove"},
                                           {MREMAP_FIXED, "fixed"},
                                           {MREMAP_DONTUNMAP, "dontunmap"},
                                           {0, NULL}};
static const struct word msync_words[] = {
    {MS_SYNC, "sync"}, {MS_ASYNC, "async"}, {MS_INVALIDATE, "invalidate"}, {0, NULL}};
static const struct word lock_words[] = {{MLOCK_ONFAULT, "onfault"}, {0, NULL}};
static const struct word lockall_words[] = {
    {MCL_CURRENT, "current"}, {MCL_FUTURE, "future"}, {MCL_ONFAULT, "onfault"}, {0, NULL}};

/* Advice and limits are numbers, not bits. Each has a name. */
static const char *const advice_names[] = {
    [MADV_NORMAL] = "normal",
    [MADV_RANDOM] = "random",
    [MADV_SEQUENTIAL] = "sequential",
    [MADV_WILLNEED] = "willneed",
    [MADV_DONTNEED] = "dontneed",
    [MADV_FREE] = "free",
    [MADV_REMOVE] = "remove",
    [MADV_DONTFORK] = "dontfork",
    [MADV_DOFORK] = "dofork",
    [MADV_DONTDUMP] = "dontdump",
    [MADV_DODUMP] = "dodump",
    [MADV_WIPEONFORK] = "wipeonfork",
    [MADV_KEEPONFORK] = "keeponfork",
    [MADV_COLD] = "cold",
    [MADV_PAGEOUT] = "pageout",
    [MADV_POPULATE_READ] = "populate_read",
    [MADV_POPULATE_WRITE] = "populate_write",
    [MADV_DONTNEED_LOCKED] = "dontneed_locked",
    [MADV_GUARD_INSTALL] = "guard_install",
    [MADV_GUARD_REMOVE] = "guard_remove",
};
static const char *const limit_names[] = {"as", "data", "stack", "memlock"};

/* Add the words of BITS, joined with commas. Bits without a word follow as a number. */
static void add_words(GString *text, uint64_t bits, const struct word *words)
{
	const char *comma = " ";

	for (; words->name != NULL; words++) {
		if ((bits & words->bits) != words->bits)
			continue;
		g_string_append_printf(text, "%s%s", comma, words->name);
		bits &= ~words->bits;
		comma = ",";
	}
	if (bits != 0 || *comma == ' ')
		g_string_append_printf(text, bits != 0 ? "%s%#lx" : "%s0", comma, bits);
}

static void add_name(GString *text, uint64_t number, const char *const *names, size_t count)
{
	if (number < count && names[number] != NULL)
		g_string_append_printf(text, " %s", names[number]);
	else
		g_string_append_printf(text, " %lu", number);
}

/* --- Arguments -------------------------------------------------------------------------------- */

static void add_prot(GString *text, uint64_t prot)
{
	uint64_t rest = prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);

	g_string_append_printf(text, " %c%c%c%s", prot & PROT_READ ? 'r' : '-',
	                       prot & PROT_WRITE ? 'w' : '-', prot & PROT_EXEC ? 'x' : '-',
	                       prot & PROT_GROWSDOWN ? ",growsdown" : "");
	if (rest != 0)
		g_string_append_printf(text, ",%#lx", rest);
}

/* Add FLAGS FILE OFFSET of an mmap. */
static void add_mapping(GString *text, const uint64_t *arg)
{
	static const char *const modes[MODES] = {"rdonly", "wronly", "rdwr"};
	uint64_t flags = arg[0], file = arg[1], offset = arg[2];

	add_words(text, flags, map_words);
	if (flags & MAP_ANONYMOUS && offset == 0)
		return;
	if (flags & MAP_ANONYMOUS)
		g_string_append(text, " -");
	else if (file >= BAD_FILE)
		g_string_append(text, " fd:99");
	else
		g_string_append_printf(text, ",%s file-%lu", modes[file % MODES], file / MODES);
	g_string_append_printf(text, " %#lx", offset);
}

static void add_move(GString *text, const uint64_t *arg)
{
	if (arg[0] == 0)
		return;
	add_words(text, arg[0], mremap_words);
	if (arg[0] & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		g_string_append_printf(text, " %#lx", arg[1]);
}

static void add_bytes(GString *text, uint64_t bytes, uint64_t base)
{
	if (bytes == UINT64_MAX)
		g_string_append(text, " unlimited");
	else
		g_string_append_printf(text, " %#lx", base + bytes);
}

/* Add NAME SOFT HARD of a setrlimit, with the values for a process of the engine. */
static void add_limit(GString *text, const uint64_t *arg)
{
	uint64_t base = arg[0] == LIMIT_AS ? START_SIZE : 0;

	add_name(text, arg[0], limit_names, G_N_ELEMENTS(limit_names));
	add_bytes(text, arg[1], base);
	add_bytes(text, arg[2], base);
}

static void add_arg(GString *text, char kind, const uint64_t *arg)
{
	static const struct word *const words[] = {
	    ['s'] = msync_words, ['o'] = lock_words, ['a'] = lockall_words};

	if (kind == 'x')
		g_string_append_printf(text, *arg != 0 ? " %#lx" : " %lu", *arg);
	else if (kind == 'd')
		g_string_append_printf(text, " %lu", *arg);
	else if (kind == 'p')
		add_prot(text, *arg);
	else if (kind == 'F')
		add_mapping(text, arg);
	else if (kind == 'R')
		add_move(text, arg);
	else if (kind == 'l')
		add_limit(text, arg);
	else if (kind == 'v')
		add_name(text, *arg, advice_names, G_N_ELEMENTS(advice_names));
	else
		add_words(text, *arg, words[(int)kind]);
}

/* --- Steps ------------------------------------------------------------------------------------ */

/* NOTE says what the argument after those of the line means, for a comment. */
static const struct {
	const char *name, *args, *note;
} calls[CALLS] = {
    [CALL_MMAP] = {"mmap", "xxpF"},
    [CALL_MUNMAP] = {"munmap", "xx"},
    [CALL_MPROTECT] = {"mprotect", "xxp"},
    [CALL_MREMAP] = {"mremap", "xxxR"},
    [CALL_BRK] = {"brk", "x"},
    [CALL_MSYNC] = {"msync", "xxs"},
    [CALL_MLOCK] = {"mlock", "xx"},
    [CALL_MLOCK2] = {"mlock2", "xxo"},
    [CALL_MUNLOCK] = {"munlock", "xx"},
    [CALL_MLOCKALL] = {"mlockall", "a"},
    [CALL_MUNLOCKALL] = {"munlockall", ""},
    [CALL_MADVISE] = {"madvise", "xxv"},
    [CALL_MINCORE] = {"mincore", "xx"},
    [CALL_SETRLIMIT] = {"setrlimit", "l"},
    [CALL_FORK] = {"fork", "", "child P"},
    [CALL_EXIT] = {"exit", ""},
    [CALL_LOAD] = {"access r", "xd"},
    [CALL_STORE] = {"access w", "xd", "first byte "},
    [CALL_FETCH] = {"access x", "x"},
    [CALL_FILE_WRITE] = {"# write to file, at, bytes:", "dxd", "first byte "},
    [CALL_FILE_RESIZE] = {"# truncate file, to bytes:", "dd"},
    [CALL_NONE] = {"# nothing", ""},
};

const char *call_name(uint32_t call)
{
	return calls[call].name;
}

char *step_text(const struct step *step)
{
	GString *text = g_string_new(NULL);
	unsigned i = 0;

	g_string_printf(text, "P%u: %s", step->slot, calls[step->call].name);
	for (; calls[step->call].args[i] != '\0'; i++)
		add_arg(text, calls[step->call].args[i], &step->arg[i]);
	if (calls[step->call].note != NULL)
		g_string_append_printf(text, "  # %s%lu", calls[step->call].note, step->arg[i]);
	return g_string_free(text, FALSE);
}

char *errno_text(int error)
{
	const char *name = strerrorname_np(error);

	return name != NULL ? g_strdup(name) : g_strdup_printf("errno %d", error);
}

char *outcome_text(const struct step *step, const struct outcome *outcome)
{
	if (outcome->result == SKIPPED)
		return g_strdup("skipped");
	if (outcome->signal != 0)
		return g_strdup_printf("%ld bytes, then %s code %d", outcome->result,
		                       g_strsignal(outcome->signal), outcome->code);
	if (outcome->result < 0 && outcome->result > -4096)
		return errno_text((int)-outcome->result);
	return g_strdup_printf("%#lx (%lx)", outcome->result, outcome->value);
}
