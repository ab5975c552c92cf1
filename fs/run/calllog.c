/*
 * calllog.c - a ring of lines. calltext.c makes them.
 */
#include "fs/run/calllog.h"

#include "fs/run/calltext.h"

#include <string.h>

/* Bytes of all lines, and of one: programs can make long ones, and there may be many programs. */
enum { LOG_BYTES = 64 << 10, LINE_BYTES = 2048 };

void call_log_init(struct call_log *log)
{
	pthread_mutex_init(&log->lock, NULL);
	g_queue_init(&log->lines);
	log->bytes = 0;
}

void call_log_clear(struct call_log *log)
{
	g_queue_clear_full(&log->lines, g_free);
	pthread_mutex_destroy(&log->lock);
}

/*
 * Takes LINE over. The call that ends a program is noted after the end, which has a line of its
 * own: that stays the last one.
 */
static void append(struct call_log *log, char *line)
{
	char *oldest = NULL;

	pthread_mutex_lock(&log->lock);
	log->bytes += strlen(line);
	while (log->lines.length >= CALL_LOG || (log->bytes > LOG_BYTES && log->lines.length > 0)) {
		g_free(oldest);
		oldest = g_queue_pop_head(&log->lines);
		log->bytes -= strlen(oldest);
	}
	const char *last = g_queue_peek_tail(&log->lines);
	bool ended = last != NULL && g_str_has_prefix(last, "+++");
	g_queue_push_nth(&log->lines, line, ended ? (int)log->lines.length - 1 : -1);
	pthread_mutex_unlock(&log->lock);
	g_free(oldest);
}

void call_log_arguments(struct call *call)
{
	GString *text = g_string_new(NULL);

	call_text_arguments(text, call, 0);
	g_free(call->text);
	call->text = g_string_free(text, FALSE);
}

void call_log_note(struct call *call, int64_t result)
{
	g_autoptr(GString) line = g_string_new(call->text);

	if (call->text == NULL)
		call_text_arguments(line, call, result);
	g_clear_pointer(&call->text, g_free);
	g_string_append(line, " = ");
	call_text_result(line, call, result);
	/* A copy has no more room than it needs, and there may be many. */
	append(&call->program->log, g_strndup(line->str, MIN(line->len, LINE_BYTES)));
}

void call_log_line(struct call_log *log, const char *line)
{
	append(log, g_strdup(line));
}

void call_log_show(struct call_log *log, GString *out)
{
	pthread_mutex_lock(&log->lock);
	for (const GList *l = log->lines.head; l != NULL; l = l->next)
		g_string_append_printf(out, "%s\n", (const char *)l->data);
	pthread_mutex_unlock(&log->lock);
}
