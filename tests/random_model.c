/*
 * random_model.c - see random_model.h.
 */
#include "tests/random_model.h"

#include <string.h>

const uint64_t cell_offset[CELLS] = {0, 8, 2048, 4088};

struct words *words_new(unsigned pages)
{
	struct words *words = g_new0(struct words, 1);

	words->refs = 1;
	words->pages = pages;
	words->word = g_malloc0_n(pages, sizeof *words->word);
	return words;
}

struct words *words_ref(struct words *words)
{
	if (words != NULL)
		words->refs++;
	return words;
}

void words_unref(struct words *words)
{
	if (words == NULL || --words->refs > 0)
		return;
	g_free(words->word);
	g_free(words);
}

void page_unmap(struct page *page)
{
	words_unref(page->source);
	*page = (struct page){.mapped = false};
}

uint64_t *page_word(struct page *page, unsigned cell, bool write)
{
	static uint64_t zero;

	if (page->own)
		return &page->word[cell];
	if (write && !page->shared) {
		if (page->source != NULL)
			memcpy(page->word, page->source->word[page->index], sizeof page->word);
		page->own = true;
		return &page->word[cell];
	}
	zero = 0;
	return page->source != NULL ? &page->source->word[page->index][cell] : &zero;
}

/* Page tables of each level end in the middle of a cluster. */
static const uint64_t borders[CLUSTERS] = {UINT64_C(0x40200000), UINT64_C(0x80000000), UINT64_C(0x10000000000)};

uint64_t page_address(unsigned page)
{
	unsigned in_cluster = page % CLUSTER_PAGES;

	return borders[page / CLUSTER_PAGES] + ((uint64_t)in_cluster - CLUSTER_PAGES / 2) * VM_PAGE_SIZE;
}
