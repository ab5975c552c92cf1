/*
 * calls.c - system calls that change the arena or its files, each at random places, and what they
 * do to the model. An answer that the model does not expect ends the program.
 */
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* musl's headers lack them. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { RANGE = 12 }; /* pages, at most, that a call is about */

static int file[OBJECTS];
static char *home; /* object 0 is mapped here, too */

/* A range of pages of the arena. */
struct range {
	unsigned first, count;
};

static struct range random_range(unsigned most)
{
	struct range range = {.count = 1 + below(most)};

	range.first = below(PAGES - range.count + 1);
	return range;
}

static int random_rights(void)
{
	static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ, PROT_READ | PROT_EXEC,
	                             PROT_READ | PROT_WRITE | PROT_EXEC};
	unsigned n = below(12);

	return n < 5 ? rights[n] : PROT_READ | PROT_WRITE;
}

/* The first page in RANGE where nothing is mapped, as a number of pages before it. */
static unsigned before_hole(struct range range)
{
	for (unsigned i = 0; i < range.count; i++) {
		if (page[range.first + i].kind == NONE)
			return i;
	}
	return range.count;
}

/* RESULT must be 0, or -1 with the errno WANTED if that is not 0. */
static void expect(const char *what, struct range range, long result, int wanted)
{
	int got = result == -1 ? errno : 0;

	if (got != wanted)
		wrong("%s of %u pages at %p: errno %d instead of %d", what, range.count,
		      (void *)address(range.first), got, wanted);
	hash_add((uint64_t)wanted);
}

static void open_file(const char *folder, int object)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/torture.%ld.%d", folder, (long)getpid(), object);
	file[object] = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file[object] < 0 || unlink(path) != 0)
		wrong("%s: errno %d", path, errno);
	for (size_t i = 0; i < OBJECT_PAGES * PAGE; i++)
		common->bytes[object][i] = (unsigned char)random_number();
	if (write(file[object], common->bytes[object], OBJECT_PAGES * PAGE) != OBJECT_PAGES * PAGE)
		wrong("write: errno %d", errno);
}

void calls_init(const char *folder)
{
	for (int i = 0; i < OBJECTS; i++)
		common->size[i] = (uint64_t)OBJECT_PAGES * PAGE;
	home = mmap(NULL, OBJECT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	            -1, 0);
	if (home == MAP_FAILED)
		wrong("mmap: errno %d", errno);
	for (int i = 1; i < OBJECTS; i++)
		open_file(folder, i);
}

/* --- mmap, munmap, mprotect ------------------------------------------------------------------- */

static void set_range(struct range range, struct page first)
{
	for (unsigned i = 0; i < range.count; i++) {
		page[range.first + i] = first;
		page_forget(range.first + i);
		first.index++;
	}
}

static void map(struct range range, struct page first, int flags, int fd)
{
	char *at = address(range.first);
	off_t offset = fd < 0 ? 0 : (off_t)first.index * PAGE;

	if (mmap(at, (size_t)range.count * PAGE, first.prot, flags | MAP_FIXED, fd, offset) != at)
		wrong("mmap of %u pages at %p: errno %d", range.count, (void *)at, errno);
	set_range(range, first);
}

void call_map_anonymous(void)
{
	int populate = below(4) == 0 ? MAP_POPULATE : 0;

	map(random_range(RANGE),
	    (struct page){.kind = ANON, .prot = (unsigned char)random_rights()},
	    MAP_PRIVATE | MAP_ANONYMOUS | populate, -1);
}

void call_map_file(void)
{
	struct range range = random_range(RANGE);
	struct page first = {.kind = below(2) ? SHARED : FILE_PRIVATE,
	                     .prot = (unsigned char)random_rights(),
	                     .object = (unsigned char)(1 + below(OBJECTS - 1))};

	first.index = (unsigned short)below(OBJECT_PAGES - range.count + 1);
	map(range, first, first.kind == SHARED ? MAP_SHARED : MAP_PRIVATE, file[first.object]);
}

/* A piece of object 0 once more: mremap of length 0 maps shared memory a second time. */
void call_map_shared(void)
{
	struct range range = random_range(RANGE);
	struct page first = {.kind = SHARED, .prot = PROT_READ | PROT_WRITE};
	size_t len = (size_t)range.count * PAGE;
	char *at = address(range.first);

	first.index = (unsigned short)below(OBJECT_PAGES - range.count + 1);
	if (mremap(home + (size_t)first.index * PAGE, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, at) !=
	    at)
		wrong("mremap of 0 bytes to %p: errno %d", (void *)at, errno);
	set_range(range, first);
}

void call_unmap(void)
{
	struct range range = random_range(RANGE * 2);

	expect("munmap", range, munmap(address(range.first), (size_t)range.count * PAGE), 0);
	set_range(range, (struct page){.kind = NONE});
}

/* Up to the first hole the rights change, even if there is one. */
void call_protect(void)
{
	struct range range = random_range(RANGE);
	int rights = random_rights();
	unsigned good = before_hole(range);

	expect("mprotect", range,
	       mprotect(address(range.first), (size_t)range.count * PAGE, rights),
	       good < range.count ? ENOMEM : 0);
	for (unsigned i = 0; i < good; i++)
		page[range.first + i].prot = (unsigned char)rights;
}

/* --- madvise ---------------------------------------------------------------------------------- */

/* Holes are passed over, and ENOMEM comes in the end. */
void call_advise(void)
{
	static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_WILLNEED,
	                             MADV_PAGEOUT,  MADV_COLD,     MADV_SEQUENTIAL};
	int chosen = advice[below(6)];
	struct range range = random_range(RANGE);

	expect("madvise", range, madvise(address(range.first), (size_t)range.count * PAGE, chosen),
	       before_hole(range) < range.count ? ENOMEM : 0);
	for (unsigned i = 0; chosen == MADV_DONTNEED && i < range.count; i++)
		page_forget(range.first + i);
}

void call_populate(void)
{
	bool store = below(2);
	int advice = store ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
	struct range range = random_range(RANGE);

	for (unsigned p = range.first; p < range.first + range.count; p++) {
		if (outcome_of(p, store ? PROT_WRITE : PROT_READ) != FINE || page[p].lazy)
			return;
	}
	expect("populate", range, madvise(address(range.first), (size_t)range.count * PAGE, advice),
	       0);
	for (unsigned i = 0; store && i < range.count; i++)
		own_bytes_of(range.first + i);
}

void call_free(void)
{
	struct range range = random_range(RANGE);

	for (unsigned p = range.first; p < range.first + range.count; p++) {
		if (page[p].kind != ANON)
			return;
	}
	expect("free", range, madvise(address(range.first), (size_t)range.count * PAGE, MADV_FREE),
	       0);
	for (unsigned i = 0; i < range.count; i++)
		page[range.first + i].lazy = true;
}

/* --- mremap ----------------------------------------------------------------------------------- */

/* Two ranges of equal length that do not overlap, the first without holes. False: not this time. */
static bool two_ranges(struct range *from, struct range *to)
{
	*from = random_range(RANGE);
	*to = (struct range){.first = below(PAGES - from->count + 1), .count = from->count};
	return before_hole(*from) == from->count &&
	       (to->first + to->count <= from->first || from->first + from->count <= to->first);
}

/* What is not one area must be moved page by page; the outcome is the same. */
void call_move(void)
{
	struct range from, to;
	char *at;

	if (!two_ranges(&from, &to))
		return;
	at = address(to.first);
	if (mremap(address(from.first), (size_t)from.count * PAGE, (size_t)from.count * PAGE,
	           MREMAP_MAYMOVE | MREMAP_FIXED, at) != at) {
		for (unsigned i = 0; i < from.count; i++) {
			at = address(to.first + i);
			if (mremap(address(from.first + i), PAGE, PAGE,
			           MREMAP_MAYMOVE | MREMAP_FIXED, at) != at)
				wrong("mremap of %p to %p: errno %d",
				      (void *)address(from.first + i), (void *)at, errno);
		}
	}
	for (unsigned i = 0; i < from.count; i++)
		page_move(from.first + i, to.first + i);
}

/* One page moves and becomes several; or it leaves an empty one behind. */
void call_move_and_grow(void)
{
	struct range to = random_range(5);
	unsigned from = below(PAGES);
	char *at = address(to.first);
	bool stay = page[from].kind == ANON && below(2);
	struct page more = page[from];
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (stay ? MREMAP_DONTUNMAP : 0);

	if (stay)
		to.count = 1;
	if (page[from].kind == NONE || (from >= to.first && from < to.first + to.count))
		return;
	if (mremap(address(from), PAGE, (size_t)to.count * PAGE, flags, at) != at)
		wrong("mremap of %p to %u pages at %p: errno %d", (void *)address(from), to.count,
		      (void *)at, errno);
	page_move(from, to.first);
	if (stay)
		set_range((struct range){from, 1}, more);
	more.index++;
	set_range((struct range){to.first + 1, to.count - 1}, more);
}

/* --- Files ------------------------------------------------------------------------------------ */

void call_sync(void)
{
	struct range range = random_range(RANGE);

	expect("msync", range, msync(address(range.first), (size_t)range.count * PAGE, MS_SYNC),
	       before_hole(range) < range.count ? ENOMEM : 0);
}

/* pread gives what the mappings have, and they show what pwrite stored. */
void call_file(void)
{
	unsigned object = 1 + below(OBJECTS - 1);
	unsigned char buf[2 * PAGE];
	size_t len = 1 + below(sizeof(buf));
	size_t offset = below(OBJECT_PAGES * PAGE);
	uint64_t size = common->size[object];
	ssize_t got,
	    wanted = offset >= size ? 0 : (ssize_t)(size - offset < len ? size - offset : len);

	if (below(2) && !concurrent && wanted > 0) {
		for (ssize_t i = 0; i < wanted; i++)
			buf[i] = (unsigned char)random_number();
		if (pwrite(file[object], buf, (size_t)wanted, (off_t)offset) != wanted)
			wrong("pwrite of %zd at %zu: errno %d", wanted, offset, errno);
		memcpy(common->bytes[object] + offset, buf, (size_t)wanted);
		return;
	}
	got = pread(file[object], buf, len, (off_t)offset);
	if (got != wanted || memcmp(buf, common->bytes[object] + offset, (size_t)wanted) != 0)
		wrong("pread of %zu at %zu of a file of %lu: %zd, or other bytes", len, offset,
		      size, got);
	hash_add((uint64_t)got);
}

/* The file of OBJECT has SIZE bytes from now on. Pages beyond it go, also private ones. */
static void set_size(unsigned object, uint64_t size)
{
	if (ftruncate(file[object], (off_t)size) != 0)
		wrong("ftruncate to %lu: errno %d", size, errno);
	memset(common->bytes[object] + size, 0, (size_t)OBJECT_PAGES * PAGE - size);
	for (unsigned p = 0; p < PAGES; p++) {
		if (page[p].kind == FILE_PRIVATE && page[p].object == object &&
		    (uint64_t)page[p].index * PAGE >= size)
			page[p].owned = false;
	}
}

void call_truncate(void)
{
	unsigned object = 1 + below(OBJECTS - 1);
	uint64_t size = (uint64_t)(OBJECT_PAGES / 2 + below(OBJECT_PAGES / 2 + 1)) * PAGE;

	if (concurrent || in_child)
		return;
	/* Amid a page: the rest of it becomes zeros. */
	if (size < common->size[object] && below(2))
		set_size(object, size + 1 + below(PAGE - 1));
	set_size(object, size);
	if (below(2)) {
		size = (uint64_t)OBJECT_PAGES * PAGE;
		set_size(object, size);
	}
	common->size[object] = size;
}

/* --- The rest --------------------------------------------------------------------------------- */

/* The heap: what was given back and taken again is zero, the rest keeps its words. */
void call_heap(void)
{
	static uint64_t word[HEAP_PAGES];
	static uint64_t *start;
	static unsigned pages;
	unsigned wanted = below(HEAP_PAGES + 1), p;

	if (start == NULL)
		start = (uint64_t *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	/* musl's brk fails always. */
	if (syscall(SYS_brk, (char *)start + (size_t)wanted * PAGE) !=
	    (long)((char *)start + (size_t)wanted * PAGE))
		wrong("brk to %u pages fails", wanted);
	for (p = pages; p < wanted; p++)
		word[p] = 0;
	pages = wanted;
	for (p = 0; p < pages; p++) {
		volatile uint64_t *at = start + p * (PAGE / 8) + p;

		if (*at != word[p])
			wrong("heap page %u is %#lx instead of %#lx", p, *at, word[p]);
		hash_add(*at);
		if (below(2))
			*at = word[p] = random_number();
	}
}

/* The kernel's own loads and stores: a page through a pipe to another page. */
void call_pipe(void)
{
	unsigned from = below(PAGES), to = below(PAGES);
	bool readable = outcome_of(from, PROT_READ) == FINE;
	bool writable = outcome_of(to, PROT_WRITE) == FINE;
	ssize_t wrote, got;
	int end[2];

	if (page[from].lazy || page[to].lazy || (concurrent && page[to].kind == SHARED))
		return;
	if (pipe(end) != 0)
		wrong("pipe: errno %d", errno);
	wrote = write(end[1], address(from), PAGE);
	if (wrote != (readable ? PAGE : -1) || (wrote < 0 && errno != EFAULT))
		wrong("write from %p: %zd errno %d", (void *)address(from), wrote, errno);
	if (wrote > 0) {
		unsigned char copy[PAGE];

		memcpy(copy, bytes_of(from), PAGE);
		got = read(end[0], address(to), PAGE);
		if (got != (writable ? PAGE : -1) || (got < 0 && errno != EFAULT))
			wrong("read to %p: %zd errno %d", (void *)address(to), got, errno);
		if (got > 0)
			memcpy(own_bytes_of(to), copy, PAGE);
	}
	close(end[0]);
	close(end[1]);
}
