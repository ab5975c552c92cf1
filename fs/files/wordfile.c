/*
 * wordfile.c - pagemap, kpagecount, kpageflags.
 */
#include "fs/files/wordfile.h"

#include "fs/text/render.h"
#include "fs/text/rights.h"

#include <errno.h>

static void wordfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          size_t size, off_t offset, int flags)
{
	size_t count = size / sizeof(uint64_t);
	g_autofree uint64_t *words = NULL;
	ssize_t got;

	if (size % sizeof(uint64_t) != 0 || (uint64_t)offset % sizeof(uint64_t) != 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	words = g_try_new(uint64_t, MAX(count, 1));
	got = words == NULL
	          ? -ENOMEM
	          : handle->node.file->words(handle->mount, handle->node.process, &handle->opener,
	                                     (uint64_t)offset / sizeof(uint64_t), count, words);
	if (got < 0)
		fuse_reply_err(req, (int)-got);
	else
		fuse_reply_buf(req, (const char *)words, (size_t)got * sizeof(uint64_t));
}

/*
 * wc -c and tail -c read a file of one block to its end. In a larger one they go to offsets that
 * are no multiples of 8. Programs make buffers of a block, so it cannot be as large as we like.
 */
enum { BLOCK_MAX = 16 << 20 };

static void set_words(struct stat *st, uint64_t words, uint64_t used)
{
	st->st_size = (off_t)(words * sizeof(uint64_t));
	st->st_blocks = (blkcnt_t)(used * sizeof(uint64_t) + 511) / 512;
}

/* Frames, and behind them the zero page, page tables and the vdso, as far as they are in use. */
static uint64_t words_of(const struct vm_machine_info *machine)
{
	return machine->tables_at + machine->tables_total;
}

/*
 * A word for each page of the address space in pagemap, and for each physical page in the others.
 * Blocks are counted for words that need not be 0.
 */
static void wordfile_stat(struct fs_mount *mount, const struct vm_process_info *info,
                          struct stat *st)
{
	struct vm_machine_info machine;

	if (info != NULL) {
		set_words(st, VM_USER_END >> VM_PAGE_SHIFT, resident_pages(info) + info->swap);
		return;
	}
	vm_machine_info(mount->machine, &machine);
	set_words(st, words_of(&machine), words_of(&machine));
	while (st->st_blksize < MIN(st->st_size, BLOCK_MAX))
		st->st_blksize *= 2;
}

const struct file_class wordfile_class = {.read = wordfile_read, .stat = wordfile_stat};

/* How many of the COUNT words that start with number FIRST are below END. */
static size_t count_below(uint64_t end, uint64_t first, size_t count)
{
	return first < end ? (size_t)MIN(count, end - first) : 0;
}

/* As Linux, show frame numbers and swap slots to root only. */
static void hide_places(uint64_t *words, size_t count)
{
	const uint64_t place = (UINT64_C(1) << 55) - 1;

	for (size_t i = 0; i < count; i++)
		words[i] &= ~place;
}

ssize_t words_pagemap(struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller, uint64_t first, size_t count, uint64_t *words)
{
	int error = 0;

	count = count_below(VM_USER_END >> VM_PAGE_SHIFT, first, count);
	if (count > 0)
		error = vm_process_pagemap(process, first, count, words);
	else if (!vm_process_alive(process))
		error = -ESRCH;
	/* A zombie has no pages. */
	if (error == -ESRCH && vm_process_listed(process))
		return 0;
	if (error == 0 && !rights_administer(mount, caller))
		hide_places(words, count);
	return error < 0 ? error : (ssize_t)count;
}

/* One word for each physical page, from the function WORDS_OF of the engine. */
static ssize_t words_of_frames(struct vm_machine *machine, uint64_t first, size_t count,
                               uint64_t *words,
                               void (*get)(struct vm_machine *machine, uint64_t pfn, size_t count,
                                           uint64_t *words))
{
	struct vm_machine_info info;

	vm_machine_info(machine, &info);
	count = count_below(words_of(&info), first, count);
	if (count > 0)
		get(machine, first, count, words);
	return (ssize_t)count;
}

ssize_t words_kpagecount(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, uint64_t first, size_t count,
                         uint64_t *words)
{
	return words_of_frames(mount->machine, first, count, words, vm_machine_page_counts);
}

ssize_t words_kpageflags(struct fs_mount *mount, struct vm_process *process,
                         const struct fs_caller *caller, uint64_t first, size_t count,
                         uint64_t *words)
{
	return words_of_frames(mount->machine, first, count, words, vm_machine_page_flags);
}
