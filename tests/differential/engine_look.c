/*
 * engine_look.c - inspects the processes of a program (engine.h).
 */
#include "tests/differential/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int engine_which_file(struct engine *e, ino_t ino)
{
	struct stat status;

	if (ino == 0)
		return -1;
	for (int i = 0; i < FILES; i++)
		if (stat(e->path[i], &status) == 0 && status.st_ino == ino)
			return i;
	return FILES;
}

void engine_take_signal(struct vm_process *process, ssize_t error, int32_t *signal, int32_t *code)
{
	struct vm_process_info info;

	*signal = -(int32_t)error;
	if (error != -EFAULT && error != -EACCES && error != -EIO)
		return;
	vm_process_info(process, &info);
	*signal = info.last_signal;
	*code = info.last_code;
}

struct looking {
	struct engine *engine;
	struct picture *picture;
	guint next; /* index of the next resident page to mark */
};

static bool add_area(void *ctx, const struct vm_area_info *info)
{
	struct looking *looking = ctx;
	struct area area = {.start = info->start, .end = info->end, .offset = info->offset};

	if (!is_compared(info->start))
		return true;
	area.file = engine_which_file(looking->engine, info->ino);
	memcpy(area.perm, info->perm, sizeof area.perm);
	g_array_append_val(looking->picture->areas, area);
	return true;
}

static void add_resident(struct vm_process *process, struct picture *picture,
                         const struct area *area)
{
	uint64_t count = (area->end - area->start) / PAGE;
	g_autofree uint64_t *words = g_new0(uint64_t, count);

	vm_process_pagemap(process, area->start / PAGE, count, words);
	picture_add_pages(picture, area, words);
}

/* Entries come by address, and so do the resident pages of the picture. */
static bool mark_zero_page(void *ctx, const struct vm_entry_info *entry)
{
	struct looking *looking = ctx;
	const GArray *resident = looking->picture->resident;

	while (looking->next < resident->len &&
	       g_array_index(resident, struct resident_page, looking->next).va < entry->va)
		looking->next++;
	if (entry->level == VM_PTE && looking->next < resident->len &&
	    g_array_index(resident, struct resident_page, looking->next).va == entry->va)
		g_array_index(resident, struct resident_page, looking->next).zero = entry->zero;
	return true;
}

static bool add_usage(void *ctx, const struct vm_area_usage *info)
{
	struct looking *looking = ctx;
	struct usage usage = {
	    .start = info->area.start,
	    .is_private = info->area.ino == 0,
	    .kib = {info->rss >> 10, info->pss >> 22, info->shared_clean >> 10,
	            info->shared_dirty >> 10, info->private_clean >> 10, info->private_dirty >> 10,
	            info->anonymous >> 10},
	};

	if (!is_compared(info->area.start))
		return true;
	g_strlcpy(usage.flags, info->vm_flags, sizeof usage.flags);
	g_strchomp(usage.flags);
	g_array_append_val(looking->picture->usage, usage);
	return true;
}

struct sizes engine_sizes(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return (struct sizes){(int64_t)info.vm_total, (int64_t)info.vm_data,
	                      (int64_t)info.vm_stack};
}

void engine_look(struct engine *e, unsigned slot, struct picture *picture)
{
	struct looking looking = {.engine = e, .picture = picture};
	struct vm_machine_info machine;

	picture->alive = e->process[slot] != NULL;
	if (!picture->alive)
		return;
	picture->forked = e->forked[slot];
	vm_machine_info(e->machine, &machine);
	picture->swapped = machine.swap_outs > 0;
	struct sizes sizes = engine_sizes(e->process[slot]);
	picture->sizes = (struct sizes){sizes.total - e->base.total, sizes.data - e->base.data,
	                                sizes.stack - e->base.stack};
	vm_process_areas(e->process[slot], 0, add_area, &looking);
	for (guint i = 0; i < picture->areas->len; i++)
		add_resident(e->process[slot], picture,
		             &g_array_index(picture->areas, struct area, i));
	vm_process_entries(e->process[slot], 0, mark_zero_page, &looking);
	vm_process_usage(e->process[slot], 0, add_usage, &looking);
}

static void hash_words(void *ctx, const struct iovec *iov, int count)
{
	uint64_t *hash = ctx, word;

	for (int i = 0; i < count; i++)
		for (size_t at = 0; at < iov[i].iov_len; at += sizeof word) {
			memcpy(&word, (const uint8_t *)iov[i].iov_base + at, sizeof word);
			*hash = hash_step(*hash, word);
		}
}

static void dump_page(struct vm_process *process, struct picture *picture, uint64_t va)
{
	struct dumped_page page = {.va = va, .hash = HASH_START};
	ssize_t n = vm_read(process, va, VM_PAGE_SIZE, hash_words, &page.hash);

	if (n < 0)
		engine_take_signal(process, n, &page.signal, &page.code);
	g_array_append_val(picture->pages, page);
}

void engine_dump(struct vm_process *process, struct picture *picture)
{
	struct range ranges[MAX_RANGES];
	uint32_t count = picture_ranges(picture, ranges);

	for (uint32_t i = 0; i < count; i++) {
		vm_mprotect(process, ranges[i].start, ranges[i].end - ranges[i].start, PROT_READ);
		for (uint64_t va = ranges[i].start; va < ranges[i].end; va += PAGE)
			dump_page(process, picture, va);
	}
}
