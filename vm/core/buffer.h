/*
 * buffer.h - bytes that are appended to, without ending the program when there is no memory: a
 * failed append is remembered, and asked for once at the end.
 */
#ifndef VM_CORE_BUFFER_H
#define VM_CORE_BUFFER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero: empty. */
struct buffer {
	uint8_t *bytes;
	size_t len, room;
	bool failed; /* something is missing: no memory */
};

/* LEN bytes more, cleared. NULL: no memory. The address is valid until the next append. */
static inline void *buffer_extend(struct buffer *buffer, size_t len)
{
	if (buffer->failed || len > G_MAXSSIZE - buffer->len) {
		buffer->failed = true;
		return NULL;
	}
	if (buffer->len + len > buffer->room) {
		size_t room = MAX(buffer->len + len, buffer->room + buffer->room / 2);
		uint8_t *bytes = g_try_realloc(buffer->bytes, room);
		buffer->failed = bytes == NULL;
		if (buffer->failed)
			return NULL;
		buffer->bytes = bytes;
		buffer->room = room;
	}
	void *start = buffer->bytes + buffer->len;
	memset(start, 0, len);
	buffer->len += len;
	return start;
}

static inline void buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
	void *to = len > 0 ? buffer_extend(buffer, len) : NULL;

	if (to != NULL)
		memcpy(to, bytes, len);
}

static inline void buffer_clear(struct buffer *buffer)
{
	g_free(buffer->bytes);
	*buffer = (struct buffer){.bytes = NULL};
}

#endif
