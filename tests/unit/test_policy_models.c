/*
 * test_policy_models.c - the policies with lists of their own against models that are written from
 * their papers and from docs/replacement.md, reference by reference. The models share nothing with
 * the engine: a list is an array of pages, the oldest first.
 */
#include "tests/fixture/pressure.h"

enum { MOST_PAGES = 220, LENGTH = 2500 };

/* --- Rows of pages ---------------------------------------------------------------------------- */

struct row {
	unsigned count, page[2 * MOST_PAGES];
};

static int find(const struct row *row, unsigned page)
{
	for (unsigned i = 0; i < row->count; i++)
		if (row->page[i] == page)
			return (int)i;
	return -1;
}

static bool has(const struct row *row, unsigned page)
{
	return find(row, page) >= 0;
}

static unsigned remove_at(struct row *row, unsigned at)
{
	unsigned page = row->page[at];

	for (row->count--; at < row->count; at++)
		row->page[at] = row->page[at + 1];
	return page;
}

static bool take(struct row *row, unsigned page)
{
	int at = find(row, page);

	if (at >= 0)
		remove_at(row, (unsigned)at);
	return at >= 0;
}

static void push(struct row *row, unsigned page)
{
	take(row, page);
	g_assert_cmpuint(row->count, <, G_N_ELEMENTS(row->page));
	row->page[row->count++] = page;
}

static unsigned pop(struct row *row)
{
	return remove_at(row, 0);
}

/* --- Models ----------------------------------------------------------------------------------- */

struct model {
	unsigned c; /* frames */
	struct row a, b, ghost_a, ghost_b;
	unsigned mark[MOST_PAGES];
	double p;
	int hand; /* a page, or -1 */
	unsigned lirs;
};

/* Each makes one reference to PAGE and returns whether it was loaded. */
typedef bool (*model_fn)(struct model *m, unsigned page);

static bool refer_mru(struct model *m, unsigned page)
{
	bool load = !has(&m->a, page);

	if (load && m->a.count == m->c)
		m->a.count--;
	push(&m->a, page);
	return load;
}

static bool refer_lfu(struct model *m, unsigned page)
{
	if (has(&m->a, page)) {
		m->mark[page]++;
		return false;
	}
	if (m->a.count == m->c) {
		unsigned least = 0;
		for (unsigned i = 1; i < m->a.count; i++)
			if (m->mark[m->a.page[i]] < m->mark[m->a.page[least]])
				least = i;
		remove_at(&m->a, least);
	}
	push(&m->a, page);
	m->mark[page] = 1;
	return true;
}

static bool refer_clock0(struct model *m, unsigned page)
{
	if (has(&m->a, page)) {
		m->mark[page] = 1;
		return false;
	}
	if (m->a.count == m->c) {
		while (m->mark[m->a.page[0]]) {
			unsigned passed = pop(&m->a);
			m->mark[passed] = 0;
			push(&m->a, passed);
		}
		pop(&m->a);
	}
	push(&m->a, page);
	m->mark[page] = 0;
	return true;
}

static bool refer_sieve(struct model *m, unsigned page)
{
	if (has(&m->a, page)) {
		m->mark[page] = 1;
		return false;
	}
	if (m->a.count == m->c) {
		unsigned at = m->hand >= 0 ? (unsigned)find(&m->a, (unsigned)m->hand) : 0;
		while (m->mark[m->a.page[at]]) {
			m->mark[m->a.page[at]] = 0;
			at = (at + 1) % m->a.count;
		}
		m->hand = at + 1 < m->a.count ? (int)m->a.page[at + 1] : -1;
		remove_at(&m->a, at);
	}
	push(&m->a, page);
	m->mark[page] = 0;
	return true;
}

/* a: A1in, b: Am, ghost_a: A1out */
static bool refer_2q(struct model *m, unsigned page)
{
	unsigned kin = MAX(m->c / 4, 1), kout = MAX(m->c / 2, 1);

	if (has(&m->b, page))
		push(&m->b, page);
	if (has(&m->a, page) || has(&m->b, page))
		return false;
	bool back = take(&m->ghost_a, page);
	if (m->a.count + m->b.count == m->c) {
		if (m->a.count > kin || m->b.count == 0) {
			push(&m->ghost_a, pop(&m->a));
			if (m->ghost_a.count > kout)
				pop(&m->ghost_a);
		} else {
			pop(&m->b);
		}
	}
	push(back ? &m->b : &m->a, page);
	return true;
}

/* The figure's REPLACE. a: T1, b: T2 */
static void arc_replace(struct model *m, bool in_b2)
{
	if (m->a.count >= 1 && (m->a.count > m->p || (in_b2 && m->a.count == m->p)))
		push(&m->ghost_a, pop(&m->a));
	else
		push(&m->ghost_b, pop(&m->b));
}

/* Figure 4 of the paper, line by line, but for frames that are still free. */
static bool refer_arc(struct model *m, unsigned page)
{
	double b1 = m->ghost_a.count, b2 = m->ghost_b.count, c = m->c;

	if (has(&m->a, page) || has(&m->b, page)) {
		take(&m->a, page);
		push(&m->b, page);
		return false;
	}
	if (has(&m->ghost_a, page)) {
		m->p = MIN(c, m->p + (b1 >= b2 ? 1 : b2 / b1));
		arc_replace(m, false);
		take(&m->ghost_a, page);
		push(&m->b, page);
	} else if (has(&m->ghost_b, page)) {
		m->p = MAX(0, m->p - (b2 >= b1 ? 1 : b1 / b2));
		arc_replace(m, true);
		take(&m->ghost_b, page);
		push(&m->b, page);
	} else {
		unsigned all = m->a.count + m->b.count + m->ghost_a.count + m->ghost_b.count;
		if (m->a.count + m->ghost_a.count == m->c) {
			if (m->a.count < m->c) {
				pop(&m->ghost_a);
				arc_replace(m, false);
			} else {
				pop(&m->a);
			}
		} else if (all >= m->c) {
			if (all == 2 * m->c)
				pop(&m->ghost_b);
			arc_replace(m, false);
		}
		push(&m->a, page);
	}
	return true;
}

/* a: S, b: M, ghost_a: G */
static bool refer_s3fifo(struct model *m, unsigned page)
{
	unsigned small = MAX(m->c / 10, 1);

	if (has(&m->a, page) || has(&m->b, page)) {
		m->mark[page] = MIN(m->mark[page] + 1, 3);
		return false;
	}
	bool back = take(&m->ghost_a, page);
	for (bool full = m->a.count + m->b.count == m->c; full;) {
		bool from_small = m->a.count >= small || m->b.count == 0;
		unsigned oldest = pop(from_small ? &m->a : &m->b);
		if (from_small && m->mark[oldest] > 1) {
			m->mark[oldest] = 0;
			push(&m->b, oldest);
		} else if (!from_small && m->mark[oldest] > 0) {
			m->mark[oldest]--;
			push(&m->b, oldest);
		} else {
			full = false;
			if (from_small)
				push(&m->ghost_a, oldest);
			if (m->ghost_a.count > m->c - small)
				pop(&m->ghost_a);
		}
	}
	push(back ? &m->b : &m->a, page);
	m->mark[page] = 0;
	return true;
}

/* a: S with ghosts, b: Q, ghost_a: ghosts by the time at which they went. Marks: LIR or not. */
static void lirs_prune(struct model *m)
{
	while (m->a.count > 0 && !m->mark[m->a.page[0]])
		take(&m->ghost_a, pop(&m->a));
}

static void lirs_promote(struct model *m, unsigned page)
{
	unsigned most = m->c - MAX(m->c / 100, 1);

	take(&m->b, page);
	m->mark[page] = 1;
	m->lirs++;
	push(&m->a, page);
	lirs_prune(m);
	while (m->lirs > most) {
		unsigned lowest = pop(&m->a);
		m->mark[lowest] = 0;
		m->lirs--;
		push(&m->b, lowest);
		lirs_prune(m);
	}
}

static bool refer_lirs(struct model *m, unsigned page)
{
	unsigned most = m->c - MAX(m->c / 100, 1);
	bool in_stack = has(&m->a, page);

	if (m->mark[page]) {
		push(&m->a, page);
		lirs_prune(m);
		return false;
	}
	bool load = !has(&m->b, page);
	if (load) {
		bool back = take(&m->ghost_a, page);
		if (back)
			take(&m->a, page);
		if (m->lirs + m->b.count == m->c) {
			unsigned front = pop(&m->b);
			if (has(&m->a, front))
				push(&m->ghost_a, front);
			if (m->ghost_a.count > 2 * m->c)
				take(&m->a, pop(&m->ghost_a));
		}
		in_stack = back || m->lirs < most;
	}
	if (in_stack) {
		lirs_promote(m, page);
	} else {
		push(&m->a, page);
		push(&m->b, page);
		lirs_prune(m);
	}
	return load;
}

/* --- Comparing -------------------------------------------------------------------------------- */

static const struct {
	const char *policy;
	model_fn refer;
} models[] = {
    {"mru", refer_mru}, {"lfu", refer_lfu}, {"clock0", refer_clock0}, {"sieve", refer_sieve},
    {"2q", refer_2q},   {"arc", refer_arc}, {"s3fifo", refer_s3fifo}, {"lirs", refer_lirs},
};

/* A page of PAGES: often one of a few, sometimes the next of a long scan. */
static unsigned some_page(GRand *rand, unsigned pages, unsigned *scan)
{
	switch (g_rand_int_range(rand, 0, 4)) {
	case 0:
		*scan = (*scan + 1) % pages;
		return *scan;
	case 1:
		return (unsigned)g_rand_int_range(rand, 0, (gint32)pages);
	default:
		return (unsigned)(g_rand_double(rand) * g_rand_double(rand) * g_rand_double(rand) *
		                  pages);
	}
}

/* Whether the page was loaded into a frame. */
static bool is_load(const struct vm_fault *fault)
{
	return fault->kind == VM_FAULT_DEMAND_ZERO || fault->kind == VM_FAULT_SWAP_IN ||
	       fault->kind == VM_FAULT_FILE_READ;
}

/* FLAGS: private memory, so that ghosts are of slots; shared memory; 0: a file, which is read. */
static void compare(unsigned which, int flags, unsigned frames, unsigned pages, guint32 seed)
{
	struct model *model = g_new0(struct model, 1);
	GRand *rand = g_rand_new_with_seed(seed);
	unsigned scan = 0;
	struct pressure p;

	*model = (struct model){.c = frames, .hand = -1};
	pressure_begin(&p, &(struct pressure_size){.frames = frames,
	                                           .slots = 2 * MOST_PAGES,
	                                           .policy = models[which].policy,
	                                           .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                           .no_tlb = seed % 2});
	g_autofree char *path = flags == 0 ? make_file(&p.f, "file", pages * PAGE, 'a') : NULL;
	if (path != NULL)
		map_path(&p.f, p.f.process, path, O_RDONLY, ARENA, pages, PROT_READ, MAP_SHARED);
	else
		map(p.f.process, ARENA, pages, RW, flags);
	enum vm_access access = path != NULL ? VM_ACCESS_READ : VM_ACCESS_WRITE;
	for (unsigned i = 0; i < LENGTH; i++) {
		struct vm_fault fault;
		unsigned page = some_page(rand, pages, &scan);
		touch(p.f.process, ARENA + page * PAGE, access, &fault);
		bool load = is_load(&fault);
		if (load != models[which].refer(model, page))
			g_error("%s, %u frames, seed %u, reference %u to page %u: %s",
			        models[which].policy, frames, seed, i, page,
			        load ? "a load" : "no load");
		if (i % 256 == 0)
			assert_sound(p.f.machine);
	}
	pressure_end(&p);
	g_rand_free(rand);
	g_free(model);
}

static void test_model(gconstpointer data)
{
	unsigned which = GPOINTER_TO_UINT(data);
	static const unsigned frames[] = {1, 2, 3, 4, 7, 10, 23, 40, 110};

	for (unsigned i = 0; i < G_N_ELEMENTS(frames); i++) {
		unsigned pages = MIN(frames[i] * (2 + i % 3) + i, MOST_PAGES);
		compare(which, PRIVATE_ANON, frames[i], pages, 10 * i + which);
		compare(which, SHARED_ANON, frames[i], pages, 10 * i + which + 1000);
		compare(which, 0, frames[i], pages, 10 * i + which + 2000);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
		g_autofree char *path = g_strdup_printf("/policy-models/%s", models[i].policy);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_model);
	}
	return g_test_run();
}
