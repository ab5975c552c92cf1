/*
 * compare.c - see compare.h. Only the first difference counts, since it may cause the later ones.
 */
#include "tests/differential/compare.h"

#include <string.h>

void difference_clear(struct difference *difference)
{
	g_clear_pointer(&difference->signature, g_free);
	g_clear_pointer(&difference->text, g_free);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	uint64_t differing = (a->value ^ b->value) & ~a->vague & ~b->vague;

	return a->result == b->result && a->signal == b->signal && a->code == b->code &&
	       differing == 0;
}

/* The outcome as text without its numbers, so that two cases of one bug look the same. */
static char *outcome_kind(const struct step *step, const struct outcome *outcome)
{
	if (outcome->result >= 0 && outcome->signal == 0)
		return g_strdup("success");
	if (outcome->signal != 0)
		return g_strdup_printf("%s/%d", g_strsignal(outcome->signal), outcome->code);
	return outcome_text(step, outcome);
}

static bool differ_in_steps(const struct program *program, const struct answers *host,
                            const struct answers *engine, struct difference *difference)
{
	for (uint32_t i = 0; i < program->steps; i++) {
		const struct step *step = &program->step[i];
		const struct outcome *h = &host->outcome[i], *e = &engine->outcome[i];
		if (same_outcome(h, e))
			continue;
		g_autofree char *line = step_text(step), *says = outcome_text(step, h),
		                *other = outcome_text(step, e);
		g_autofree char *kind = outcome_kind(step, h), *other_kind = outcome_kind(step, e);
		difference->step = i;
		difference->signature = g_strdup_printf("%s: Linux %s, engine %s",
		                                        call_name(step->call), kind, other_kind);
		difference->text =
		    g_strdup_printf("%s: Linux says %s, the engine %s", line, says, other);
		return true;
	}
	return false;
}

/* --- Areas ------------------------------------------------------------------------------------ */

static bool looks_the_same(const struct area *first, const struct area *next)
{
	bool continues =
	    first->file < 0 || first->offset + (first->end - first->start) == next->offset;

	return first->end == next->start && first->file == next->file &&
	       strcmp(first->perm, next->perm) == 0 && continues;
}

/* One line for each area. */
static char *areas_text(const struct picture *picture, bool fold)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < picture->areas->len; i++) {
		struct area area = g_array_index(picture->areas, struct area, i);
		while (fold && i + 1 < picture->areas->len &&
		       looks_the_same(&area, &g_array_index(picture->areas, struct area, i + 1)))
			area.end = g_array_index(picture->areas, struct area, ++i).end;
		g_string_append_printf(text, "%lx-%lx %s %lx %d\n", area.start, area.end, area.perm,
		                       area.offset, area.file);
	}
	return g_string_free(text, FALSE);
}

static bool differ_in_areas(unsigned slot, bool fold, const struct picture *host,
                            const struct picture *engine, struct difference *difference)
{
	g_autofree char *h = areas_text(host, fold), *e = areas_text(engine, fold);

	if (strcmp(h, e) == 0)
		return false;
	g_autofree char *folded_h = areas_text(host, true), *folded_e = areas_text(engine, true);
	const char *kind = strcmp(folded_h, folded_e) == 0 ? "merging" : "areas";
	difference->signature = g_strdup_printf("%s: Linux has %s", kind,
	                                        host->areas->len > engine->areas->len   ? "more"
	                                        : host->areas->len < engine->areas->len ? "fewer"
	                                                                                : "others");
	difference->text = g_strdup_printf(
	    "areas of P%u differ: those of Linux\n%sthose of the engine\n%s", slot, h, e);
	return true;
}

/* --- Pages ------------------------------------------------------------------------------------ */

/* The next page, from index *AT on, that is the private memory's own. */
static const struct resident_page *next_private(const GArray *pages, guint *at)
{
	for (; *at < pages->len; ++*at)
		if (!g_array_index(pages, struct resident_page, *at).cached)
			return &g_array_index(pages, struct resident_page, (*at)++);
	return NULL;
}

/* The page of PAGES at VA. PAGES is sorted; the search starts at index *AT. */
static const struct resident_page *page_at(const GArray *pages, guint *at, uint64_t va)
{
	while (*at < pages->len && g_array_index(pages, struct resident_page, *at).va < va)
		++*at;
	const struct resident_page *page = &g_array_index(pages, struct resident_page, *at);
	return *at < pages->len && page->va == va ? page : NULL;
}

/*
 * The next page that Linux has too. When Linux forks, it does not copy entries of the zero page in
 * areas that were never written.
 */
static const struct resident_page *next_of_engine(const GArray *pages, guint *at,
                                                  const GArray *host)
{
	const struct resident_page *page;
	guint seen = 0;

	do
		page = next_private(pages, at);
	while (page != NULL && page->zero && page_at(host, &seen, page->va) == NULL);
	return page;
}

static bool tell_resident(unsigned slot, const char *what, const char *only, uint64_t va,
                          struct difference *difference)
{
	difference->signature = g_strdup_printf("resident: only %s has a page%s", only, what);
	difference->text =
	    g_strdup_printf("P%u: only %s has a page%s at %#lx", slot, only, what, va);
	return true;
}

/*
 * Private memory must have the same pages on both sides. The same pages must be mapped only once,
 * unless pages were swapped out: then some entries may still hold the slot.
 */
static bool differ_in_private(unsigned slot, const struct picture *host,
                              const struct picture *engine, struct difference *difference)
{
	const struct resident_page *h, *e;
	guint i = 0, k = 0;

	do {
		h = next_private(host->resident, &i);
		e = next_of_engine(engine->resident, &k, host->resident);
		if (h != NULL && (e == NULL || h->va < e->va))
			return tell_resident(slot, " of private memory", "Linux", h->va,
			                     difference);
		if (e != NULL && (h == NULL || e->va < h->va))
			return tell_resident(slot, " of private memory", "the engine", e->va,
			                     difference);
		if (h != NULL && h->present && e->present && !engine->swapped && !e->zero &&
		    h->exclusive != e->exclusive)
			return tell_resident(slot, " of its own",
			                     h->exclusive ? "Linux" : "the engine", h->va,
			                     difference);
	} while (h != NULL);
	return false;
}

/*
 * Pages of files. Linux also maps the pages around a fault, so it has more. A fork does not copy
 * these entries, so after a fork it has fewer.
 */
static bool differ_in_cached(unsigned slot, const struct picture *host,
                             const struct picture *engine, struct difference *difference)
{
	guint i = 0;

	for (guint k = 0; k < engine->resident->len && !engine->forked; k++) {
		const struct resident_page *page =
		    &g_array_index(engine->resident, struct resident_page, k);
		if (page->cached && page->present && page_at(host->resident, &i, page->va) == NULL)
			return tell_resident(slot, " of a file", "the engine", page->va,
			                     difference);
	}
	return false;
}

/* The flags of USAGE, without those that the host's kernel may lack: soft-dirty and guard pages. */
static char *flags_of(const struct usage *usage, const struct comparison *how)
{
	g_auto(GStrv) parts = g_strsplit(usage->flags, " sd", 2);
	g_autofree char *flags = g_strjoinv("", parts);

	if (how->guard_flag)
		return g_steal_pointer(&flags);
	g_auto(GStrv) others = g_strsplit(flags, " gu", 2);
	return g_strjoinv("", others);
}

/*
 * The first key in which A and B differ, or USAGE_KEYS. In areas that are not private only
 * ANONYMOUS counts, since their pages come from the page cache, of which Linux maps more.
 */
static int differing_key(const struct usage *a, const struct usage *b)
{
	int key = a->is_private ? 0 : ANONYMOUS;

	while (key < USAGE_KEYS &&
	       (a->kib[key] == b->kib[key] || (!a->is_private && key != ANONYMOUS)))
		key++;
	return key;
}

/* After a swap-out only the flags are compared, because pages in swap count under other keys. */
static bool differ_in_usage(unsigned slot, const struct comparison *how, const struct picture *host,
                            const struct picture *engine, struct difference *difference)
{
	for (guint i = 0; i < MIN(host->usage->len, engine->usage->len); i++) {
		const struct usage *h = &g_array_index(host->usage, struct usage, i);
		const struct usage *e = &g_array_index(engine->usage, struct usage, i);
		g_autofree char *flags = flags_of(h, how), *other = flags_of(e, how);
		int key = engine->swapped ? USAGE_KEYS : differing_key(h, e);
		if (strcmp(flags, other) != 0) {
			difference->signature = g_strdup("VmFlags");
			difference->text = g_strdup_printf(
			    "P%u, area at %#lx: Linux has the flags %s, the engine %s", slot,
			    h->start, flags, other);
			return true;
		}
		if (key == USAGE_KEYS)
			continue;
		difference->signature = g_strdup_printf("smaps: value %d", key);
		difference->text =
		    g_strdup_printf("P%u, area at %#lx: Linux has %lu KiB, the engine %lu", slot,
		                    h->start, h->kib[key], e->kib[key]);
		return true;
	}
	return false;
}

static bool differ_in_sizes(unsigned slot, const struct picture *host, const struct picture *engine,
                            struct difference *difference)
{
	const struct sizes *h = &host->sizes, *e = &engine->sizes;

	if (memcmp(h, e, sizeof *h) == 0)
		return false;
	difference->signature = g_strdup("sizes");
	difference->text = g_strdup_printf(
	    "P%u: pages in all, of data, of stacks: Linux %ld %ld %ld, the engine %ld %ld %ld",
	    slot, h->total, h->data, h->stack, e->total, e->data, e->stack);
	return true;
}

static char *page_text(const struct dumped_page *page)
{
	if (page->signal != 0)
		return g_strdup_printf("%s, code %d", g_strsignal(page->signal), page->code);
	return g_strdup_printf("bytes with the hash %lx", page->hash);
}

static bool differ_in_bytes(unsigned slot, const struct picture *host, const struct picture *engine,
                            struct difference *difference)
{
	for (guint i = 0; i < MIN(host->pages->len, engine->pages->len); i++) {
		const struct dumped_page *h = &g_array_index(host->pages, struct dumped_page, i);
		const struct dumped_page *e = &g_array_index(engine->pages, struct dumped_page, i);
		bool same = h->signal != 0 ? h->signal == e->signal && h->code == e->code
		                           : e->signal == 0 && h->hash == e->hash;
		if (h->va == e->va && same)
			continue;
		g_autofree char *has = page_text(h), *other = page_text(e);
		difference->signature = g_strdup_printf("bytes: Linux %s, engine %s",
		                                        h->signal ? g_strsignal(h->signal) : "-",
		                                        e->signal ? g_strsignal(e->signal) : "-");
		difference->text = g_strdup_printf("P%u, page %#lx: Linux has %s, the engine %s",
		                                   slot, h->va, has, other);
		return true;
	}
	return false;
}

static bool differ_in_files(const struct answers *host, const struct answers *engine,
                            struct difference *difference)
{
	for (int i = 0; i < FILES; i++) {
		gsize at = 0;
		if (host->size[i] == engine->size[i] &&
		    (host->size[i] == 0 ||
		     memcmp(host->contents[i], engine->contents[i], host->size[i]) == 0))
			continue;
		while (at < MIN(host->size[i], engine->size[i]) &&
		       host->contents[i][at] == engine->contents[i][at])
			at++;
		difference->signature = g_strdup("file contents");
		difference->text = g_strdup_printf(
		    "file %d differs at %#lx: Linux has %lu bytes, here %#x; the engine %lu, %#x",
		    i, at, host->size[i], host->contents[i][at] & 0xff, engine->size[i],
		    engine->contents[i][at] & 0xff);
		return true;
	}
	return false;
}

/* --- All -------------------------------------------------------------------------------------- */

static bool differ_in_life(const struct answers *answers, const char *side,
                           struct difference *difference)
{
	if (answers->broken == NULL)
		return false;
	difference->step = answers->broken_step;
	difference->signature = g_strdup_printf("%s: %.40s", side, answers->broken);
	difference->text =
	    g_strdup_printf("%s after step %u: %s", side, answers->broken_step, answers->broken);
	return true;
}

static bool differ_at_end(const struct comparison *how, const struct answers *host,
                          const struct answers *engine, struct difference *difference)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct picture *h = &host->picture[i], *e = &engine->picture[i];
		if (differ_in_areas(i, how->fold, h, e, difference) ||
		    differ_in_sizes(i, h, e, difference) ||
		    differ_in_private(i, h, e, difference) ||
		    differ_in_usage(i, how, h, e, difference) ||
		    differ_in_cached(i, h, e, difference) || differ_in_bytes(i, h, e, difference))
			return true;
	}
	return differ_in_files(host, engine, difference);
}

bool compare(const struct program *program, const struct comparison *how,
             const struct answers *host, const struct answers *engine,
             struct difference *difference)
{
	*difference = (struct difference){.step = program->steps};
	if (differ_in_life(host, "host", difference))
		return true;
	return differ_in_steps(program, host, engine, difference) ||
	       differ_in_life(engine, "engine", difference) ||
	       differ_at_end(how, host, engine, difference);
}
