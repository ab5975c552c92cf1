#include "replay/pages.h"

#include <glib.h>

static size_t hash(uint64_t first)
{
	return (size_t)((first / PAGES_BLOCK * UINT64_C(0x9e3779b97f4a7c15)) >> 20);
}

/* The place of the block that begins at FIRST, or the free place where it belongs. */
static struct pages_block *find_place(struct pages_block *blocks, size_t mask, uint64_t first)
{
	size_t i = hash(first) & mask;

	while (blocks[i].number != NULL && blocks[i].first != first)
		i = (i + 1) & mask;
	return &blocks[i];
}

/* A table twice as large. */
static bool grow(struct pages *pages)
{
	size_t places = pages->blocks == NULL ? 256 : 2 * (pages->mask + 1);
	struct pages_block *blocks = g_try_new0(struct pages_block, places);

	if (blocks == NULL)
		return false;
	for (size_t i = 0; pages->blocks != NULL && i <= pages->mask; i++)
		if (pages->blocks[i].number != NULL)
			*find_place(blocks, places - 1, pages->blocks[i].first) = pages->blocks[i];
	g_free(pages->blocks);
	pages->blocks = blocks;
	pages->mask = places - 1;
	return true;
}

bool pages_find_block(struct pages *pages, uint64_t page)
{
	uint64_t first = page - page % PAGES_BLOCK;

	if ((pages->blocks == NULL || 2 * pages->blocks_used > pages->mask) && !grow(pages))
		return false;
	struct pages_block *place = find_place(pages->blocks, pages->mask, first);
	if (place->number == NULL) {
		place->number = g_try_new0(uint32_t, PAGES_BLOCK);
		if (place->number == NULL)
			return false;
		place->first = first;
		pages->blocks_used++;
	}
	pages->last = *place;
	return true;
}

void pages_clear(struct pages *pages)
{
	for (size_t i = 0; pages->blocks != NULL && i <= pages->mask; i++)
		g_free(pages->blocks[i].number);
	g_free(pages->blocks);
	*pages = (struct pages){0};
}
