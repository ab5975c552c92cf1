/*
 * expect.c - see expect.h.
 */
#include "tests/behaviours/expect.h"

#include <string.h>

/* --- Text ------------------------------------------------------------------------------------- */

/* Addresses this close to a place are written relative to it. */
#define NEAR (UINT64_C(1) << 28)

static void add_pages(GString *text, const char *place, int64_t pages)
{
	g_string_append(text, place);
	if (pages != 0 || *place == '\0')
		g_string_append_printf(text, *place != '\0' ? "%+ld" : "%ld", pages);
}

static void add_address(GString *text, uint64_t va)
{
	static const struct {
		const char *name;
		uint64_t va;
	} places[] = {{"", ARENA}, {"H", HEAP_START}, {"T", MMAP_BASE}};

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (va - places[i].va + NEAR < 2 * NEAR) {
			add_pages(text, places[i].name,
			          (int64_t)(va - places[i].va) / (int64_t)PAGE);
			return;
		}
	g_string_append_printf(text, "%#lx", va);
}

static char *areas_text(const struct picture *picture)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < picture->areas->len; i++) {
		const struct area *area = &g_array_index(picture->areas, struct area, i);
		g_string_append(text, i > 0 ? "; " : "");
		add_address(text, area->start);
		g_string_append(text, "..");
		add_address(text, area->end);
		g_string_append_printf(text, " %s", area->perm);
		if (area->file == FILES)
			g_string_append_printf(text, " shm+%lu", area->offset / PAGE);
		else if (area->file >= 0)
			g_string_append_printf(text, " f%d+%lu", area->file, area->offset / PAGE);
	}
	return g_string_free(text, FALSE);
}

static char *resident_text(const struct picture *picture)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < picture->resident->len; i++) {
		const struct resident_page *page =
		    &g_array_index(picture->resident, struct resident_page, i);
		if (page->cached)
			continue;
		g_string_append(text, text->len > 0 ? " " : "");
		add_address(text, page->va);
	}
	return g_string_free(text, FALSE);
}

/* The value of a mincore step whose vector is TEXT. */
static uint64_t bits_of(const char *text)
{
	uint64_t bits = 0;

	for (unsigned i = 0; text[i] != '\0'; i++)
		bits |= (uint64_t)(text[i] == '1') << i;
	return bits;
}

static char *expected_outcome_text(const struct step *step, const struct expected *expected)
{
	struct outcome outcome = {
	    .result = expected->result, .signal = expected->signal, .code = expected->code};

	if (expected->kind == ANY_SUCCESS)
		return g_strdup("success");
	if (expected->kind == MINCORE_VECTOR)
		return g_strdup_printf("0 (%lx)", bits_of(expected->bytes));
	if (expected->kind == BYTES) {
		g_autofree char *bytes = g_strescape(expected->bytes, NULL);
		return g_strdup_printf("%ld bytes beginning with \"%s\"", expected->result, bytes);
	}
	return outcome_text(step, &outcome);
}

/* --- Checks ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *bytes, int64_t len)
{
	uint64_t hash = HASH_START;

	for (int64_t i = 0; i < len; i++)
		hash = hash_step(hash, (uint8_t)bytes[i]);
	return hash;
}

static bool is_as_expected(const struct outcome *outcome, const struct expected *expected)
{
	if (outcome->signal != expected->signal || outcome->code != expected->code)
		return false;
	switch (expected->kind) {
	case ANY_SUCCESS:
		return outcome->result >= 0;
	case BYTES:
		return outcome->result == expected->result &&
		       outcome->value == hash_of(expected->bytes, expected->result);
	case MINCORE_VECTOR:
		return outcome->result == 0 && outcome->value == bits_of(expected->bytes);
	default:
		return outcome->result == expected->result;
	}
}

/* Compare HAS with EXPECTED, and free HAS. Returns NULL if they are equal, else a sentence. */
static char *differing_text(const char *what, char *has, const char *expected)
{
	bool same = expected == NULL || strcmp(has, expected) == 0;
	char *text =
	    same ? NULL : g_strdup_printf("%s are \"%s\", not \"%s\"", what, has, expected);

	g_free(has);
	return text;
}

char *unexpected(const struct row *row, const struct program *program, unsigned tested,
                 const struct answers *answers, bool is_linux)
{
	const struct expected *expected = &row->expected;
	const struct step *step = &program->step[tested];
	const struct outcome *outcome = &answers->outcome[tested];
	const struct picture *picture = &answers->picture[step->slot];
	bool other = is_linux && expected->linux_resident != NULL;

	if (answers->broken != NULL)
		return g_strdup_printf("after step %u: %s", answers->broken_step, answers->broken);
	if (!is_as_expected(outcome, expected)) {
		g_autofree char *line = step_text(step), *has = outcome_text(step, outcome);
		g_autofree char *wanted = expected_outcome_text(step, expected);
		return g_strdup_printf("%s: %s, not %s", line, has, wanted);
	}
	char *text = differing_text("areas", areas_text(picture), expected->areas);
	if (text == NULL)
		text = differing_text("resident pages", resident_text(picture),
		                      other ? expected->linux_resident : expected->resident);
	return text;
}
