/*
 * arguments.c - see arguments.h.
 */
#include "tests/differential/arguments.h"

#include <sys/mman.h>

/* The pages of each spot. */
static const struct {
	uint64_t start;
	unsigned pages;
} spots[SPOTS] = {
    {UINT64_C(0x40000000) - 24 * PAGE,
     48}, /* the border of a PUD table, where MAP_32BIT starts its search */
    {UINT64_C(0x40200000) - 12 * PAGE, 24}, /* the border of the page table of a PMD entry */
    {MMAP_BASE - 40 * PAGE, 40},            /* where the kernel places mappings */
    {HEAP_START, 24},                       /* the heap */
    {UINT64_C(0x40600000) - 16 * PAGE, 24}, /* free space below, into which a stack can grow */
};

unsigned pick(struct generator *g, unsigned n)
{
	return (unsigned)g_rand_int_range(g->rand, 0, (gint32)n);
}

bool chance(struct generator *g, unsigned percent)
{
	return pick(g, 100) < percent;
}

void remember(struct generator *g, uint64_t start, uint64_t len)
{
	/* The two sides have different things on the stack, so no range may reach it from below. */
	if (len > 0 && len < 4096 * PAGE && start < STACK_LOWEST)
		g->ranges[g->recent++ % RECENT] = (struct range){start, start + len};
}

static uint64_t pick_page(struct generator *g)
{
	unsigned spot = chance(g, 70) ? g->main_spot : pick(g, SPOTS);

	return spots[spot].start + pick(g, spots[spot].pages) * PAGE;
}

uint64_t small_len(struct generator *g)
{
	/* 512 pages are one huge page. */
	static const unsigned large[] = {512, 512, 511, 513, 1024};
	unsigned pages = 1 + pick(g, chance(g, 50) ? 4 : 12);

	if (!chance(g, 3))
		return pages * PAGE;
	if (!g->abilities->large_files)
		return (1 + pick(g, 200)) * PAGE;
	return (chance(g, 50) ? PICK_OF(g, large) : 1 + pick(g, 600)) * PAGE;
}

uint64_t huge_len(struct generator *g)
{
	static const uint64_t lens[] = {UINT64_C(1) << 47,        UINT64_MAX,
	                                UINT64_MAX - 4095,        UINT64_C(1) << 63,
	                                UINT64_C(0x800000000000), UINT64_MAX - (UINT64_C(1) << 31)};

	return PICK_OF(g, lens);
}

/* A range near one that was used recently. */
static struct range near_recent(struct generator *g)
{
	struct range old = g->ranges[pick(g, MIN(g->recent, RECENT))];
	uint64_t pages = (old.end - old.start + PAGE - 1) / PAGE, start = old.start & -PAGE;

	switch (pick(g, 5)) {
	case 0:
		return (struct range){start, start + pages * PAGE};
	case 1:
		return (struct range){start + pages * PAGE, start + pages * PAGE + small_len(g)};
	case 2:
		return (struct range){start + pick(g, (unsigned)pages) * PAGE,
		                      start + pages * PAGE};
	case 3:
		start += pick(g, (unsigned)pages) * PAGE;
		return (struct range){start, start + small_len(g)};
	default:
		start -= pick(g, 4) * PAGE;
		return (struct range){start, start + small_len(g)};
	}
}

/* Make ADDR or LEN invalid now and then. */
static void spoil(struct generator *g, uint64_t *addr, uint64_t *len)
{
	if (chance(g, 12) && *len > 0)
		*len -= pick(g, 4096);
	if (chance(g, 3))
		*addr += 1 + pick(g, 4095);
	if (chance(g, 2))
		*len = 0;
	if (chance(g, 1))
		*len = huge_len(g);
	if (pick(g, 300) == 0)
		*addr = huge_len(g);
}

void pick_range(struct generator *g, uint64_t *addr, uint64_t *len)
{
	struct range range;

	if (g->recent > 0 && chance(g, 65)) {
		range = near_recent(g);
	} else {
		range.start = pick_page(g);
		range.end = range.start + small_len(g);
	}
	*addr = range.start;
	*len = range.end - range.start;
	spoil(g, addr, len);
}

uint64_t pick_prot(struct generator *g)
{
	static const uint64_t prots[] = {PROT_READ | PROT_WRITE,
	                                 PROT_READ | PROT_WRITE,
	                                 PROT_READ | PROT_WRITE,
	                                 PROT_READ | PROT_WRITE,
	                                 PROT_READ | PROT_WRITE,
	                                 PROT_READ | PROT_WRITE,
	                                 PROT_READ,
	                                 PROT_READ,
	                                 PROT_NONE,
	                                 PROT_WRITE,
	                                 PROT_READ | PROT_EXEC,
	                                 PROT_EXEC,
	                                 PROT_READ | PROT_WRITE | PROT_EXEC};
	uint64_t prot = PICK_OF(g, prots);

	if (prot == PROT_EXEC && !g->abilities->exec_only)
		prot |= PROT_READ;
	if (chance(g, 1))
		prot |= UINT64_C(1) << (3 + pick(g, 6));
	return prot;
}
