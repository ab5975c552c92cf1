/*
 * words.c - the tables of words, and the parser for all of them. To add a word, add a row.
 */
#include "fs/ctl/words.h"

#include "util/linux_constants.h"
#include "util/number.h"
#include "vm/vm.h"

#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

const struct word mmap_words[] = {
    {"private", WORD_PRIVATE},
    {"shared", WORD_SHARED},
    {"shared_validate", WORD_SHARED_VALIDATE},
    {"anonymous", MAP_ANONYMOUS},
    {"anon", MAP_ANONYMOUS},
    {"fixed", MAP_FIXED},
    {"fixed_noreplace", MAP_FIXED_NOREPLACE},
    {"growsdown", MAP_GROWSDOWN},
    {"populate", MAP_POPULATE},
    {"locked", MAP_LOCKED},
    {"noreserve", MAP_NORESERVE},
    {"32bit", MAP_32BIT},
    {"stack", MAP_STACK},
    {"rdonly", WORD_RDONLY},
    {"rdwr", WORD_RDWR},
    {"wronly", WORD_WRONLY},
    {NULL},
};

const struct word mremap_words[] = {
    {"maymove", MREMAP_MAYMOVE},
    {"fixed", MREMAP_FIXED},
    {"dontunmap", MREMAP_DONTUNMAP},
    {NULL},
};

const struct word msync_words[] = {
    {"sync", MS_SYNC}, {"async", MS_ASYNC}, {"invalidate", MS_INVALIDATE}, {"0", 0}, {NULL},
};

const struct word mlock2_words[] = {{"onfault", MLOCK_ONFAULT}, {NULL}};

const struct word mlockall_words[] = {
    {"current", MCL_CURRENT}, {"future", MCL_FUTURE}, {"onfault", MCL_ONFAULT}, {NULL}};

const struct word madvise_words[] = {
    {"normal", MADV_NORMAL},
    {"random", MADV_RANDOM},
    {"sequential", MADV_SEQUENTIAL},
    {"willneed", MADV_WILLNEED},
    {"dontneed", MADV_DONTNEED},
    {"dontneed_locked", MADV_DONTNEED_LOCKED},
    {"free", MADV_FREE},
    {"remove", MADV_REMOVE},
    {"dontfork", MADV_DONTFORK},
    {"dofork", MADV_DOFORK},
    {"wipeonfork", MADV_WIPEONFORK},
    {"keeponfork", MADV_KEEPONFORK},
    {"dontdump", MADV_DONTDUMP},
    {"dodump", MADV_DODUMP},
    {"cold", MADV_COLD},
    {"pageout", MADV_PAGEOUT},
    {"populate_read", MADV_POPULATE_READ},
    {"populate_write", MADV_POPULATE_WRITE},
    {"guard_install", MADV_GUARD_INSTALL},
    {"guard_remove", MADV_GUARD_REMOVE},
    {NULL},
};

const struct word prot_words[] = {
    {"---", PROT_NONE},
    {"r--", PROT_READ},
    {"rw-", PROT_READ | PROT_WRITE},
    {"r-x", PROT_READ | PROT_EXEC},
    {"rwx", PROT_READ | PROT_WRITE | PROT_EXEC},
    {NULL},
};

const struct word access_words[] = {
    {"r", VM_ACCESS_READ},
    {"w", VM_ACCESS_WRITE},
    {"x", VM_ACCESS_EXEC},
    {NULL},
};

const struct word limit_words[] = {
    {"as", VM_LIMIT_AS},           {"stack", VM_LIMIT_STACK}, {"data", VM_LIMIT_DATA},
    {"memlock", VM_LIMIT_MEMLOCK}, {"core", VM_LIMIT_CORE},   {NULL},
};

const struct word open_words[] = {
    {"rdonly", WORD_RDONLY},
    {"rdwr", WORD_RDWR},
    {"wronly", WORD_WRONLY},
    {NULL},
};

static const struct word *word_find(const struct word *words, const char *name)
{
	while (words->name != NULL && strcmp(words->name, name) != 0)
		words++;
	return words->name != NULL ? words : NULL;
}

char *words_parse(const struct word *words, const char *text, uint64_t *bits)
{
	g_auto(GStrv) names = g_strsplit(text, ",", -1);

	*bits = 0;
	if (names[0] == NULL)
		return g_strdup("");
	for (char **name = names; *name != NULL; name++) {
		const struct word *word = word_find(words, *name);

		if (word == NULL)
			return g_strdup(*name);
		*bits |= word->bits;
	}
	return NULL;
}

bool prot_parse(const char *text, bool growsdown, int *prot)
{
	static const struct {
		char letter;
		int bit;
	} letters[] = {{'r', PROT_READ}, {'w', PROT_WRITE}, {'x', PROT_EXEC}};

	size_t len = strcspn(text, ",");
	/* Without a dash, letters may be left out: rx is r-x. With one, each has its place. */
	bool places = memchr(text, '-', len) != NULL;

	*prot = PROT_NONE;
	if (len == 0)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(letters) && *text != '\0' && *text != ','; i++) {
		if (*text == letters[i].letter)
			*prot |= letters[i].bit;
		else if (places && *text != '-')
			return false;
		text += places || *text == letters[i].letter;
	}
	if (growsdown && strcmp(text, ",growsdown") == 0) {
		*prot |= PROT_GROWSDOWN;
		return true;
	}
	return *text == '\0';
}

bool signal_parse(const char *text, int *number)
{
	const char *name = g_ascii_strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint64_t value;

	if (number_parse(text, &value)) {
		*number = (int)value;
		return value <= INT_MAX;
	}
	for (*number = 1; *number < NSIG; ++*number) {
		const char *abbrev = sigabbrev_np(*number);

		if (abbrev != NULL && g_ascii_strcasecmp(name, abbrev) == 0)
			return true;
	}
	return false;
}

int word_access_mode(uint64_t mode)
{
	switch (mode) {
	case WORD_RDONLY:
		return O_RDONLY;
	case WORD_RDWR:
		return O_RDWR;
	case WORD_WRONLY:
		return O_WRONLY;
	default:
		return -1;
	}
}
