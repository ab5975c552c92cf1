/*
 * ctl_results.c - a bounded queue of result lines.
 */
#include "fs/ctl/ctl_results.h"
#include "util/text.h"

#include <string.h>

/* So much memory each queue may have, whatever the budget says. */
enum { FREE_BYTES = 4096 };

void ctl_results_init(struct ctl_results *results, struct fs_budget *budget, uid_t uid)
{
	*results = (struct ctl_results){.text = g_string_new(NULL), .most = CTL_RESULTS_MAX};
	budget_open(budget, uid, &results->share);
}

void ctl_results_clear(struct ctl_results *results)
{
	g_string_free(results->text, TRUE);
	results->text = NULL;
	budget_close(&results->share);
}

/* Whether the queue CTX may take SIZE bytes (text_lines.may_take). */
static bool may_take(void *ctx, size_t size)
{
	struct ctl_results *results = ctx;

	return size <= FREE_BYTES || budget_resize(&results->share, size);
}

/* Make room for LEN more bytes, so that appending them allocates nothing. */
static bool make_room(struct ctl_results *results, size_t len)
{
	struct text_lines lines = {.out = results->text, .may_take = may_take, .ctx = results};

	return text_room(&lines, len);
}

/* Give memory back, if nothing is left to read. */
static void give_back(struct ctl_results *results)
{
	if (results->taken < results->text->len || results->share.held == 0)
		return;
	g_string_free(results->text, TRUE);
	results->text = g_string_new(NULL);
	results->taken = 0;
	budget_resize(&results->share, 0);
}

static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t lines = 0;

	for (const char *end = text + len;
	     (text = memchr(text, '\n', (size_t)(end - text))) != NULL; text++)
		lines++;
	return lines;
}

/* The offset after the first newline at or after FROM. */
static size_t line_end(const GString *text, size_t from)
{
	const char *newline =
	    from < text->len ? memchr(text->str + from, '\n', text->len - from) : NULL;

	return newline != NULL ? (size_t)(newline - text->str) + 1 : text->len;
}

/*
 * Drop the oldest unread lines until at most ROOM bytes are left. A line that was read in part
 * stays.
 */
static void drop_lines(struct ctl_results *results, size_t room)
{
	GString *text = results->text;
	size_t start = results->mid_line ? line_end(text, results->taken) : results->taken;
	size_t cut = text->len > start + room ? line_end(text, text->len - room - 1) : start;

	results->lost += count_lines(text->str + start, cut - start);
	g_string_erase(text, (gssize)start, (gssize)(cut - start));
}

size_t ctl_results_unread(const struct ctl_results *results)
{
	return results->text->len - results->taken;
}

void ctl_results_add(struct ctl_results *results, const char *text, size_t len)
{
	if (!make_room(results, len)) {
		drop_lines(results, 0);
		if (!make_room(results, len)) {
			results->lost += count_lines(text, len);
			return;
		}
	}
	g_string_append_len(results->text, text, (gssize)len);
	/* Drop more than needed, so that a full queue is not moved for every new line. */
	if (ctl_results_unread(results) > results->most)
		drop_lines(results, results->most / 4 * 3);
}

void ctl_results_move(struct ctl_results *results, struct ctl_results *from)
{
	/* The lines that FROM lost are younger than all lines here, so those go too. */
	if (from->lost > 0)
		drop_lines(results, 0);
	results->lost += from->lost;
	ctl_results_add(results, from->text->str, from->text->len);
	g_string_truncate(from->text, 0);
	from->lost = 0;
}

static char *lost_line(uint64_t lost)
{
	return g_strdup_printf("# %" G_GUINT64_FORMAT
	                       " older lines were lost: at most 1 MiB of results is kept\n",
	                       lost);
}

/* Erase what was read once that is more than half, so that reading byte by byte stays cheap. */
static void erase_taken(struct ctl_results *results)
{
	if (results->taken > results->text->len / 2) {
		g_string_erase(results->text, 0, (gssize)results->taken);
		results->taken = 0;
	}
}

void ctl_results_take(struct ctl_results *results, GString *out, size_t size)
{
	size_t end = results->text->len;

	if (results->lost > 0 && results->mid_line) {
		end = line_end(results->text, results->taken);
	} else if (results->lost > 0) {
		g_autofree char *line = lost_line(results->lost);

		g_string_insert(results->text, (gssize)results->taken, line);
		results->lost = 0;
		end = results->text->len;
	}
	size = MIN(size, end - results->taken);
	if (size == 0)
		return;
	g_string_append_len(out, results->text->str + results->taken, (gssize)size);
	results->taken += size;
	results->mid_line = results->text->str[results->taken - 1] != '\n';
	erase_taken(results);
	give_back(results);
}

GBytes *ctl_results_copy(const struct ctl_results *results)
{
	g_autofree char *line = results->lost > 0 ? lost_line(results->lost) : g_strdup("");
	size_t before = strlen(line), len = results->text->len - results->taken;
	char *copy = g_try_malloc(before + len);

	if (copy == NULL)
		return NULL;
	memcpy(copy, line, before);
	memcpy(copy + before, results->text->str + results->taken, len);
	return g_bytes_new_take(copy, before + len);
}
